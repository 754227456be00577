import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { expect } from 'chai'
import type { Report } from '#lib/top/report'
import { fixture, start } from '../helpers/child.js'
import { root, runDoctor, startDoctor } from '../helpers/doctor.js'

interface Look {
  threads: Report[]
  deadlocked: { pid: number; thread: number }[]
}

describe('npx wormhole-ipc top', () => {
  const started: ChildProcess[] = []
  afterEach(() => {
    for (const child of started.splice(0)) child.kill('SIGKILL')
  })

  /** Starts a program that can be looked into, with a child that can be, too; resolves to what it says of itself. */
  async function watched(what: 'stream' | 'deadlock') {
    const env = { ...process.env, NODE_OPTIONS: '--import wormhole-ipc/top' }
    const child = spawn(process.execPath, [fixture('watched'), what], {
      cwd: root,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    started.push(child)
    const [line] = await once(child.stdout, 'data')
    const said = JSON.parse(String(line)) as { child: number; receiver: number; sender: number }
    return { pid: child.pid as number, ...said }
  }

  /** Looks until `holds`; each look is a command of its own. */
  async function look(pid: number, holds: (look: Look) => boolean): Promise<Look> {
    for (;;) {
      const { code, stdout, stderr } = await runDoctor(['top', String(pid), '--once', '--json', '--interval', '0.1'])
      expect(code, stderr).to.equal(0)
      const found = JSON.parse(stdout) as Look
      if (holds(found)) return found
    }
  }

  it('shows each end of a running program: its counts, its wait, and who has the other end', async () => {
    const { pid, child, receiver, sender } = await watched('stream')
    const { threads } = await look(pid, ({ threads }) => threads[0]?.ends.some(({ messages }) => messages > 0) ?? false)
    expect(threads).to.have.lengthOf(1)
    const ends = threads[0]?.ends ?? []
    expect(new Set(ends.map(({ name, fd }) => `${name} ${fd}`))).to.deep.equal(
      new Set([`Receiver ${receiver}`, `Sender ${sender}`])
    )
    const { code, stdout } = await runDoctor(['top', String(pid), '--once', '--interval', '0.5'])
    expect(code).to.equal(0)
    expect(stdout).to.match(/^process \d+: .*watched\.js stream \(2 open ends\)$/m)
    expect(stdout).to.match(/^END +FD +OTHER END +MSG\/S +BYTES\/S +QUEUED +WAITS +LONGEST +NOW$/m)
    expect(stdout).to.match(new RegExp(`^Receiver +${receiver} +${child} Sender \\d+ +[\\d,]+ `, 'm'))
    expect(stdout).to.match(new RegExp(`^Sender +${sender} +${child} Receiver \\d+ `, 'm'))
  })

  it('names the processes that wait for each other for ever', async () => {
    const { pid, child } = await watched('deadlock')
    const { deadlocked } = await look(pid, ({ deadlocked }) => deadlocked.length > 0)
    expect(new Set(deadlocked.map((each) => each.pid))).to.deep.equal(new Set([pid, child]))
    const { stdout } = await runDoctor(['top', String(pid), '--once', '--interval', '0.1'])
    expect(stdout).to.match(
      new RegExp(`^Deadlock: the processes (${pid} and ${child}|${child} and ${pid}) wait for room`, 'm')
    )
    expect(stdout).to.match(new RegExp(`full, [\\d.]+ s: waits for ${child} Receiver \\d+$`, 'm'))
  })

  it('shows the calls that made each end, as `doctor PID` does', async () => {
    const { pid } = await watched('stream')
    const { code, stdout } = await runDoctor(['doctor', String(pid)])
    expect(code).to.equal(0)
    expect(stdout.match(/^ {4}at \S+watched\.\w+:\d+:\d+$/gm)).to.have.lengthOf(2)
  })

  it('ends when the program ends, with what it saw last', async () => {
    const { pid } = await watched('stream')
    const { process: looking, ended } = startDoctor(['top', String(pid), '--interval', '0.1'])
    await once(looking.stdout as Readable, 'data')
    process.kill(pid)
    const { code, stderr } = await ended
    expect(code).to.equal(0)
    expect(stderr).to.equal(`process ${pid} has ended, or does not answer any more\n`)
  })

  it('says what to do where the program does not answer', async () => {
    const { process: child, ended } = start(process.execPath, ['-e', 'process.stdin.resume()'])
    const { code, stdout, stderr } = await runDoctor(['top', String(child.pid)])
    expect([code, stdout]).to.deep.equal([1, ''])
    expect(stderr).to.match(/^process \d+ does not answer\. .*--import wormhole-ipc\/top/)
    child.kill()
    await ended
  })

  for (const args of [['top'], ['top', 'me'], ['top', '1', '--interval', '0'], ['doctor', '1', '2']]) {
    it(`refuses the arguments ${JSON.stringify(args)}`, async () => {
      const { code, stderr } = await runDoctor(args)
      expect(code).to.equal(2)
      expect(stderr).to.match(/^wormhole-ipc: .*\n\nUsage: /)
    })
  }
})
