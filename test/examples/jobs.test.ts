import { once } from 'node:events'
import { chmodSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { type Child, start } from '../helpers/child.js'
import { runExample, startExample } from '../helpers/example.js'
import { range } from '../helpers/fill.js'
import { hasFolder } from '../helpers/folder.js'

const watchPy = fileURLToPath(new URL('../../../examples/jobs/watch.py', import.meta.url))

describe('the jobs example', () => {
  const inFolder = hasFolder()
  let daemon: Child
  let at: string[] = []

  /** Resolves once a child's standard error has this line that many times. */
  async function says(child: Child, line: string, times = 1): Promise<void> {
    while (said(child).split(line).length <= times) await once(child.process.stderr!, 'data')
  }
  const heard = new Map<Child, string>()
  const said = (child: Child) => heard.get(child) ?? ''
  function listenTo(child: Child): Child {
    child.process.stderr!.on('data', (text: string) => heard.set(child, said(child) + text))
    return child
  }

  async function startDaemon(...args: string[]): Promise<void> {
    at = ['--socket', inFolder('socket')]
    daemon = listenTo(startExample('jobs', ['daemon', '--verbose', ...at, ...args]))
    await says(daemon, 'listens at')
  }
  async function stopDaemon(): Promise<void> {
    daemon.process.kill('SIGTERM')
    expect((await daemon.ended).code).to.equal(0)
    expect(existsSync(inFolder('socket'))).to.equal(false)
  }

  it('keeps the jobs of several clients, and tells those who watch, one of them in Python', async () => {
    await startDaemon()
    const user = process.getuid?.()
    const watcher = listenTo(startExample('jobs', ['watch', '--verbose', ...at]))
    const python = start('python3', ['-B', watchPy, inFolder('socket')])
    await says(daemon, 'serves process', 2)
    const added = await Promise.all(range(5).map((index) => runExample('jobs', ['add', `job ${index}`, ...at])))
    const lines = added.map((line) => line.trim()).sort()
    expect(lines.map((line) => line.split(' ')[0])).to.deep.equal(['1', '2', '3', '4', '5'])
    expect((await runExample('jobs', ['list', ...at])).trim().split('\n')).to.deep.equal(lines)
    for (const index of range(5)) expect(lines.join('\n')).to.include(`job ${index} (user ${user})`)
    await stopDaemon()
    expect((await watcher.ended).stdout.trim().split('\n')).to.deep.equal(lines)
    const texts = lines.map((line) => /job \d/.exec(line)?.[0])
    expect((await python.ended).stdout.trim().split('\n')).to.deep.equal(texts)
  })

  it('waits for its daemon, and says so if there is none', async () => {
    at = ['--socket', inFolder('socket')]
    const early = startExample('jobs', ['add', 'early', ...at, '--wait', '60000'])
    await startDaemon()
    expect((await early.ended).stdout).to.include('1 early')
    await stopDaemon()
    const { code, stderr } = await startExample('jobs', ['list', ...at, '--wait', '10']).ended
    expect([code, stderr.includes('nobody listens there')]).to.deep.equal([1, true])
  })

  it('serves the users that it was told, and refuses others', async function () {
    if (process.getuid?.() !== 0) this.skip()
    await startDaemon('--allow', '50001')
    chmodSync(inFolder('.'), 0o755)
    const program = `
import os, socket, sys
uid = int(sys.argv[2])
os.setgroups([])
os.setgid(uid)
os.setuid(uid)
daemon = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
daemon.connect(sys.argv[1])
print(socket.recv_fds(daemon, 65536, 253)[0].decode())`
    const as = async (uid: number) => {
      const { stdout, stderr } = await start('python3', ['-c', program, inFolder('socket'), String(uid)]).ended
      expect(stderr).to.equal('')
      return stdout
    }
    expect(await as(50_001)).to.include('{"give":')
    expect(await as(50_002)).to.equal('{"refuse":"user 50002 may not use these jobs"}\n')
    await stopDaemon()
  })

  it('explains its command line, and ends with exit code 2 when it is wrong', async () => {
    const help = await runExample('jobs', ['--help'])
    for (const part of ['daemon', 'add', 'list', 'watch', '--socket', '--allow', '--wait'])
      expect(help).to.include(part)
    for (const wrong of [['--colour'], ['dance'], [], ['list', 'x'], ['list', '--wait=x'], ['list', '--allow=me']]) {
      const { code, stdout, stderr } = await startExample('jobs', wrong).ended
      expect(stderr).to.match(/^jobs: .*'.*\nTry 'jobs --help'\.\n$/s)
      expect([code, stdout]).to.deep.equal([2, ''])
    }
  })
})
