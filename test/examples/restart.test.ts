import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { crashIn, itHasCommandLine, runExample, startExample } from '../helpers/example.js'
import { sized } from '../helpers/long.js'

const GENERATIONS = sized(3, 4)
const REQUESTS = String(sized(20, 60))

/** What the example prints: the answers of each generation, and the sums. */
function parse(output: string) {
  const generations = [...output.matchAll(/^(\d+) +(\d+)$/gm)]
  const [, total, kept] = /^total +(\d+), (\d+) of them over kept connections$/m.exec(output) ?? []
  return {
    generations: generations.map(([, number]) => Number(number)),
    served: generations.map(([, , served]) => Number(served)),
    total: Number(total),
    kept: Number(kept),
    failures: /^failures +(.*)$/m.exec(output)?.[1],
  }
}

function checkRestarts(output: string, generations: number, requests: number): void {
  const report = parse(output)
  expect(report.failures).to.equal('0')
  expect(report.generations).to.deep.equal(Array.from({ length: generations }, (_, index) => index + 1))
  for (const served of report.served) expect(served).to.be.at.least(requests)
  expect(report.served.reduce((sum, served) => sum + served, 0)).to.equal(report.total)
  // Both kinds of clients had their share.
  expect(report.kept).to.be.greaterThan(0).and.lessThan(report.total)
}

describe('the restart example', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'restart-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('replaces a TCP server under load without a refused or dropped request', async () => {
    checkRestarts(
      await runExample('restart', ['--generations', `${GENERATIONS}`, '--requests', REQUESTS]),
      GENERATIONS,
      Number(REQUESTS)
    )
  })

  it('replaces the server of a Unix socket under load without a refused or dropped request', async () => {
    const path = join(folder, 'socket')
    checkRestarts(
      await runExample('restart', ['--generations', `${GENERATIONS}`, '--requests', REQUESTS, '--unix', path]),
      GENERATIONS,
      Number(REQUESTS)
    )
    expect(readdirSync(folder)).to.deep.equal([])
  })

  it('takes no name that exists', async () => {
    const path = join(folder, 'taken')
    writeFileSync(path, '')
    const { code, stdout, stderr } = await startExample('restart', ['--unix', path]).ended
    expect(stderr).to.equal(`restart: ${path} exists already\n`)
    expect(stdout).to.equal('')
    expect(code).to.equal(1)
    expect(existsSync(path)).to.equal(true)
  })

  it('fails when a successor does not start, and leaves no server behind', async () => {
    const { code, stderr } = await startExample('restart', [], crashIn('server.js', "process.argv[2] === '3'")).ended
    expect(stderr).to.equal('restart: server 3 is gone\n')
    expect(code).to.equal(1)
  })

  itHasCommandLine(
    'restart',
    ['--generations', '--requests', '--clients', '--unix'],
    ['--generations=0', '--requests=few', '--clients=101', '--unix']
  )
})
