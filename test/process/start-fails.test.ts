import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { chmodSync, fstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { expect } from 'chai'
import { type CloseEvent, channel, type MoveEvent, WormholeError } from 'wormhole-ipc'
import { type ChannelsOption, fork, forkAndRun, spawn } from 'wormhole-ipc/process'
import { socketpair } from 'wormhole-ipc/socket'
import { fixture, start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { throwsCode } from '../helpers/expect-error.js'

const rejection = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => new Error('resolved'),
    (error) => error
  )

type Start = (options: SpawnOptions & ChannelsOption) => ChildProcess

describe('a start that fails ends the channels whose ends were moved', () => {
  leavesNoDescriptors()
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'wormhole-start-'))
    writeFileSync(join(folder, 'plain'), 'no program')
    chmodSync(join(folder, 'plain'), 0o644)
  })
  after(() => rmSync(folder, { recursive: true }))

  const starts: Record<string, Start> = {
    'no such program': (options) => spawn('/nowhere/at/all', options),
    'a file that is not executable': (options) => spawn(join(folder, 'plain'), [], options),
    'no such working directory': (options) => spawn('true', [], { ...options, cwd: '/nowhere' }),
    'no such Node.js for fork': (options) =>
      fork(fixture('idle'), {
        execPath: '/nowhere',
        channels: options.channels,
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      }),
  }
  for (const [name, begin] of Object.entries(starts)) {
    it(`${name}: the loop that waits for the child ends, and so does a send to it`, async () => {
      const [results, inbox] = channel<number>()
      const [jobs, todo] = channel<number>()
      const child = begin({ channels: { results, todo }, stdio: 'ignore' })
      const failed = once(child, 'error')
      for await (const _ of inbox) expect.fail('a message')
      expect((await failed)[0])
        .to.have.property('code')
        .that.matches(/^E(NOENT|ACCES)$/)
      const error = await jobs.send(1).catch((reason) => reason)
      expect(error).to.be.instanceOf(WormholeError).and.have.property('code', 'ERR_WORMHOLE_DISCONNECTED')
      expect([results.closed, todo.closed]).to.deep.equal([true, true])
      expect(child.pid).to.equal(undefined)
    })
  }

  it('and tells observers that they were closed, not that a child has them', async () => {
    const told: unknown[] = []
    const listeners = ['close', 'move'].map((what) => {
      const listener = (event: unknown) => told.push([what, (event as CloseEvent | MoveEvent).end])
      subscribe(`wormhole-ipc:${what}`, listener)
      return () => unsubscribe(`wormhole-ipc:${what}`, listener)
    })
    try {
      const [results, inbox] = channel<number>()
      const failed = once(spawn('/nowhere/at/all', { channels: { results } }), 'error')
      expect(told).to.deep.equal([['close', results]])
      await failed
      inbox.close()
    } finally {
      for (const stop of listeners) stop()
    }
  })

  it('of forkAndRun too', async () => {
    const [to, inbox] = channel<number>()
    const running = forkAndRun(fixture('functions'), 1, { execPath: '/nowhere', channels: { to } }).catch((e) => e)
    for await (const _ of inbox) expect.fail('a message')
    expect(await running).to.have.property('code', 'ERR_WORMHOLE_SYSTEM')
  })

  it('of forkAndRun where Node throws the system\u2019s error', async () => {
    const [to, inbox] = channel<number>()
    const env = { TOO_LONG: 'x'.repeat(4 * 1024 * 1024) }
    const running = forkAndRun(fixture('functions'), 1, { env, channels: { to } }).catch((e) => e)
    for await (const _ of inbox) expect.fail('a message')
    expect(await running).to.have.property('code', 'ERR_WORMHOLE_SYSTEM')
  })

  it('a child that exits without a look at its channels ends them', async () => {
    const [results, inbox] = channel<number>()
    spawn('true', { channels: { results }, stdio: 'ignore' })
    for await (const _ of inbox) expect.fail('a message')
  })

  it('a child that asks for a name that it was not given ends them', async () => {
    const [answers, inbox] = channel<number>()
    const child = fork(fixture('inheriting'), { channels: { wrong: answers }, silent: true })
    child.stderr?.resume()
    child.stdout?.resume()
    for await (const _ of inbox) expect.fail('a message')
    await once(child, 'close')
  })
})

describe('a start that throws moves nothing', () => {
  leavesNoDescriptors()
  const [a, b] = [fixture('functions'), { export: 'sum' }] as const

  it('options of the wrong kind, and ends that are none or named twice', async () => {
    const [sender, receiver] = channel<number>()
    // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
    const wrong: any[] = [
      { channels: null },
      { channels: 'ends' },
      { channels: { sender, other: {} } },
      { channels: { sender, again: sender } },
      { channels: { sender }, stdio: 5 },
      'options',
    ]
    for (const options of wrong) {
      throwsCode(() => spawn('true', [], options), 'ERR_WORMHOLE_ARGUMENT')
      throwsCode(() => fork(fixture('idle'), [], options), 'ERR_WORMHOLE_ARGUMENT')
    }
    expect(() => spawn('true', ['\0'], { channels: { sender } })).to.throw(/null bytes/)
    expect(() => fork(5 as never, { channels: { sender } })).to.throw()
    // biome-ignore lint/suspicious/noExplicitAny: wrong on purpose
    const refused: any[] = [
      null,
      5,
      { env: 5, channels: { sender } },
      { env: { NULL: '\0' }, channels: { sender } },
      { execArgv: 'x', channels: { sender } },
      { execPath: 5, channels: { sender } },
      { export: 5, channels: { sender } },
      { stdout: 'nowhere', channels: { sender } },
      { stderr: -1, channels: { sender } },
      { timeout: '1', channels: { sender } },
      { channels: { sender, 'wormhole:input': receiver } },
      { channels: [5] },
    ]
    for (const options of refused) {
      const error = await forkAndRun(a, [1], options === null || options === 5 ? options : { ...b, ...options }).catch(
        (e) => e
      )
      expect(error, inspect(options, { depth: 1 })).to.have.property('code', 'ERR_WORMHOLE_ARGUMENT')
    }
    await sender.send(1)
    expect(await receiver.recv()).to.equal(1)
    sender.close()
    receiver.close()
  })

  it('what is no module\u2019s path or URL, each with a message that says so', async () => {
    const wrong = [() => 1, null, undefined, 5, '', {}, 'https://example.org/x.js', new URL('blob:x'), Symbol('s')]
    for (const module of wrong) {
      const error = await rejection(forkAndRun(module as string))
      expect(error).to.have.property('code', 'ERR_WORMHOLE_ARGUMENT')
      expect(error.message).to.match(/path or URL of a module|are modules here/)
    }
    const { message } = await rejection(forkAndRun((() => 1) as never))
    expect(message).to.include('export the function from a file')
    expect(await forkAndRun('data:text/javascript,export default (x) => x + 1', 1)).to.equal(2)
    const { href } = new URL('data:text/javascript,export default () => 3')
    expect(await forkAndRun({ href } as URL)).to.equal(3)
  })

  it('an input or a result that JSON leaves out', async () => {
    for (const input of [() => 1, Symbol('s')]) {
      const error = await forkAndRun(a, input, b).catch((e) => e)
      expect(error).to.have.property('code', 'ERR_WORMHOLE_UNSERIALIZABLE')
    }
    for (const kind of ['symbol', 'function']) {
      const error = await rejection(forkAndRun(a, kind, { export: 'resultOfNoUse' }))
      expect(error).to.have.property('code', 'ERR_WORMHOLE_CHILD_THREW')
      expect(error.message).to.include(kind)
    }
  })
})

describe('a table of channels that is none', () => {
  for (const text of [
    '',
    'x',
    'null',
    '5',
    '[1]',
    '{"a":null}',
    '{"a":{}}',
    '{"a":{"fd":"3","end":"sender","inode":1}}',
  ]) {
    it(`${JSON.stringify(text)} is ERR_WORMHOLE_NO_CHANNEL`, async () => {
      const { stderr } = await start('env', [`WORMHOLE_CHANNELS=${text}`, process.execPath, fixture('inheriting')])
        .ended
      expect(stderr).to.include('ERR_WORMHOLE_NO_CHANNEL')
    })
  }

  it('ends those of its channels that could be adopted, though the process goes on', async () => {
    const [ours, theirs] = socketpair('seqpacket')
    const receiver = ours.receiver()
    const good = { fd: 3, end: 'sender', inode: fstatSync(theirs.fd).ino, coalesce: true, maxMessageBytes: 1000 }
    const table = JSON.stringify({ good, bad: { ...good, fd: 0 } })
    const code = `await import('wormhole-ipc/process').then(({ inherited }) => inherited()).catch((error) => console.log(error.code))
      setTimeout(() => undefined, 60_000)`
    const args = [`WORMHOLE_CHANNELS=${table}`, process.execPath, '--input-type=module', '-e', code]
    const child = start('env', args, [theirs.fd])
    theirs.close()
    for await (const _ of receiver) expect.fail('a message')
    child.process.kill()
    const { stdout } = await child.ended
    expect(stdout).to.be.oneOf(['ERR_WORMHOLE_NO_CHANNEL\n', ''])
  })
})

describe('coalesce and maxMessageBytes of an end', () => {
  leavesNoDescriptors()
  it('go with it by name: to forkAndRun, and to inherited()', async () => {
    const [sender, receiver] = channel({ coalesce: false, maxMessageBytes: 1000 })
    const [other, last] = channel()
    const limits = await forkAndRun(fixture('functions'), null, {
      export: 'limits',
      channels: { sender, receiver, other },
    })
    expect(limits).to.deep.equal({
      sender: { coalesce: false, maxMessageBytes: 1000 },
      receiver: { coalesce: false, maxMessageBytes: 1000 },
      other: { coalesce: true, maxMessageBytes: 64 * 1024 * 1024 },
    })
    last.close()
  })
})
