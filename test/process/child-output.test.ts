import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { type ForkAndRunOptions, forkAndRun } from 'wormhole-ipc/process'
import { fixture, start } from '../helpers/child.js'
import { root } from '../helpers/doctor.js'

const functions = fixture('functions')
const library = pathToFileURL(fileURLToPath(import.meta.resolve('wormhole-ipc/process'))).href

/** A program that runs `say` with these options, and what it writes itself. */
function program(options: string): string[] {
  const source = `import { forkAndRun } from ${JSON.stringify(library)}
    const { default: stream } = await import('node:stream')
    const result = await forkAndRun(${JSON.stringify(functions)}, 'hello', { export: 'say', ${options} })
    process.stdout.write('result ' + result + '\\n', () => undefined)`
  return ['--input-type=module', '-e', source]
}

describe('the output of a child of forkAndRun', () => {
  for (const [options, out, err] of [
    ['', 'out hello\nresult hello\n', 'err hello\n'],
    ["stdout: 'inherit', stderr: 'inherit'", 'out hello\nresult hello\n', 'err hello\n'],
    ["stdout: 'ignore', stderr: 'ignore'", 'result hello\n', ''],
    ["stdout: 'pipe', stderr: 'pipe'", 'result hello\n', ''],
    ['stdout: 2', 'result hello\n', 'out hello\nerr hello\n'],
    ['stdout: process.stderr, stderr: process.stderr', 'result hello\n', 'out hello\nerr hello\n'],
  ] as const) {
    it(`goes where it is told: ${options || 'by default to ours'}`, async () => {
      const { stdout, stderr, code } = await start(process.execPath, program(options)).ended
      expect([code, stdout, stderr.split('\n').sort().join()]).to.deep.equal([0, out, err.split('\n').sort().join()])
    })
  }

  it('goes to a file, or to any stream, whose failure is not ours', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wormhole-output-'))
    const file = openSync(join(folder, 'out'), 'w')
    let text = ''
    const stderr = new Writable({
      write(chunk, _encoding, done) {
        text += chunk
        done(new Error('full'))
      },
    })
    const options: ForkAndRunOptions = { export: 'say', stdout: { fd: file }, stderr }
    expect(await forkAndRun(functions, 'hello', options)).to.equal('hello')
    closeSync(file)
    expect([readFileSync(join(folder, 'out'), 'utf8'), text]).to.deep.equal(['out hello\n', 'err hello\n'])
    rmSync(folder, { recursive: true })
  })

  it('is on the error, though it is shown to nobody', async () => {
    const error = await forkAndRun(functions, 1, { export: 'exitEarly', stderr: 'pipe' }).catch((e) => e)
    expect((error as { stderr: string }).stderr).to.equal('leaving early\n')
  })

  it('ends no caller whose standard error or output has no reader', async () => {
    const child = spawn(process.execPath, program(''), { stdio: ['ignore', 'pipe', 'pipe'] })
    child.stderr.destroy()
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    const [code] = await once(child, 'close')
    expect([code, stdout]).to.deep.equal([0, 'out hello\nresult hello\n'])
  })
})

describe('whatever the library writes', () => {
  it('a trace on a standard error without a reader ends nobody', async () => {
    const source = `import { channel } from ${JSON.stringify(pathToFileURL(join(root, 'dist/index.js')).href)}
      const [sender, receiver] = channel()
      for (let i = 0; i < 10; i++) { await sender.send(i); await receiver.recv() }
      await new Promise(setImmediate)
      console.log('done')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      env: { ...process.env, NODE_DEBUG: 'wormhole' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stderr.destroy()
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    const [code] = await once(child, 'close')
    expect([code, stdout]).to.deep.equal([0, 'done\n'])
  })

  it('the doctor\u2019s report without a reader ends quietly, and its exit code is right', async () => {
    for (const [args, code] of [
      [['doctor', '--seconds', '0'], 0],
      [['--help'], 0],
      [['nurse'], 2],
    ] as const) {
      const child = spawn(process.execPath, [join(root, 'dist/doctor/main.js'), ...args], {
        stdio: ['ignore', 'pipe', code === 2 ? 'pipe' : 'inherit'],
      })
      child.stdout?.destroy()
      child.stderr?.destroy()
      expect((await once(child, 'close'))[0]).to.equal(code)
    }
  })
})
