import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { crashIn, runExample, startExample } from '../helpers/example.js'
import { chosen } from '../helpers/long.js'

/** It has no end. */
const ENDLESS = '/dev/zero'

describe('the pool example', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pool-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  /** Writes a file; returns its path and the line that is to be printed for it. */
  function write(name: string, bytes: Buffer): { path: string; line: string } {
    const path = join(folder, name)
    writeFileSync(path, bytes)
    return { path, line: `${createHash('sha256').update(bytes).digest('hex')}  ${path}` }
  }

  it('hashes each file once, with fewer workers than files, and tells how far it is', async () => {
    const files = [0, 1, 1000, 65_536, 3_000_000].map((size) => write(`${size}`, Buffer.alloc(size, `${size}`)))
    const args = files.map(({ path }) => path)
    const printed = await runExample('pool', ['--workers', '2', ...args])
    expect(printed.trim().split('\n')).to.have.members(files.map(({ line }) => line))

    const { path, line } = write('long', Buffer.alloc(40 * 1024 * 1024, 'long'))
    const { code, stdout, stderr } = await startExample('pool', ['--verbose', path]).ended
    expect(stdout).to.equal(`${line}\n`)
    expect(stderr).to.equal(`pool: ${path}: 16777216 bytes\npool: ${path}: 33554432 bytes\n`)
    expect(code).to.equal(0)
  })

  it('tells which files it cannot have, or not in time, and hashes the others', async () => {
    const { path, line } = write('file', Buffer.from('file'))
    const absent = join(folder, 'absent')
    const { code, stdout, stderr } = await startExample('pool', [absent, folder, path]).ended
    expect(stdout).to.equal(`${line}\n`)
    expect(stderr).to.include(`pool: ${absent}: ENOENT`).and.include(`pool: ${folder}: `)
    expect(code).to.equal(1)

    const late = await startExample('pool', ['--timeout', '50', ENDLESS]).ended
    expect(late).to.include({ code: 1, stdout: '', stderr: `pool: ${ENDLESS}: the job took over 50 ms\n` })
  })

  it('gives up at a SIGINT what is not finished', async () => {
    const { path, line } = write('first', Buffer.from('first'))
    const { process: child, ended } = startExample('pool', ['--workers', '1', '--verbose', path, ENDLESS, ENDLESS])
    let told = ''
    child.stderr!.on('data', (text: string) => {
      told += text
    })
    while (!told.includes(`${ENDLESS}: `)) await once(child.stderr!, 'data')
    child.kill('SIGINT')
    const { code, stdout, stderr } = await ended
    expect(stdout).to.equal(`${line}\n`)
    expect(stderr.match(/^pool: .*: given up$/gm)).to.deep.equal(Array(2).fill(`pool: ${ENDLESS}: given up`))
    expect(code).to.equal(1)
  })

  it('fails when its workers do not start', async () => {
    const { code, stdout, stderr } = await startExample('pool', ['/etc/hosts'], crashIn('worker.js')).ended
    expect(stderr).to.equal('pool: a process of the pool exited with code 7\n')
    expect(stdout).to.equal('')
    expect(code).to.equal(1)
  })

  it('explains its command line', async () => {
    expect(await runExample('pool', ['--help'])).to.match(/^Usage: pool \[options\] FILE\.\.\.\n/)
    for (const args of chosen(1, [['--colour'], ['--workers=0', 'a'], ['--timeout=soon', 'a'], []])) {
      const { code, stdout, stderr } = await startExample('pool', args).ended
      expect(stderr).to.match(/^pool: .*\nTry 'pool --help'\.\n$/s)
      expect(stdout).to.equal('')
      expect(code).to.equal(2)
    }
  })
})
