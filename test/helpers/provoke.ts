import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type ChannelOptions, channel, Receiver, type WormholeErrorCode } from 'wormhole-ipc'
import { caller, link, serve } from 'wormhole-ipc/calls'
import { connect, listen as listenFor } from 'wormhole-ipc/listen'
import { natsSender } from 'wormhole-ipc/nats'
import { pool } from 'wormhole-ipc/pool'
import { forkAndRun, inherited } from 'wormhole-ipc/process'
import { listen, peerCredentials } from 'wormhole-ipc/socket'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from './bare-peer.js'
import { start } from './child.js'
import { StandInServer } from './nats-stand-in.js'
import { frame } from './reference-framer.js'

/** Makes an error happen: throws it, or rejects with it. */
export type Provocation = () => unknown

const nextTick = promisify(process.nextTick)

/** A schema as a schema library makes one, which refuses everything. */
const refusing: NonNullable<ChannelOptions['schema']> = {
  '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [{ message: 'no' }] }) },
}

/** Makes a channel for one operation. */
async function within<T>(
  operation: (sender: ReturnType<typeof channel>[0], receiver: Receiver) => T | Promise<T>,
  options?: ChannelOptions
): Promise<T> {
  const [sender, receiver] = channel(options)
  try {
    return await operation(sender, receiver)
  } finally {
    sender.close()
    receiver.close()
  }
}

/** Receives bytes that a peer wrote before it ended. */
function receiving(type: number, bytes: Uint8Array): unknown {
  const peer = new BarePeer(type)
  try {
    peer.write(bytes)
    peer.end()
    return peer.receiver.tryRecv()
  } finally {
    peer[Symbol.dispose]()
  }
}

/**
 * Runs statements in a new Node process, in which `load(name)` imports one of our entry points. What they throw is
 * thrown here, with its fields.
 */
async function elsewhere(statements: string, openFiles = 200): Promise<never> {
  const script = `
    import fs from 'node:fs'
    const load = (name) => import(name === '' ? ${url('wormhole-ipc')} : ${url('wormhole-ipc/process')})
    try { ${statements} } catch (error) { fs.writeSync(1, JSON.stringify({ ...error, cause: error.cause && 'some' })) }`
  const limited = ['-c', `ulimit -n ${openFiles}; exec "$0" "$@"`]
  const child = start('sh', [...limited, process.execPath, '--input-type=module', '-e', script])
  const { stdout, stderr } = await child.ended
  if (stdout === '') throw new Error(`nothing was thrown: ${stderr}`)
  throw Object.assign(new Error('elsewhere'), JSON.parse(stdout))
}

function url(specifier: string): string {
  return JSON.stringify(import.meta.resolve(specifier))
}

function javascript(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`
}

/** Sends a long message whose receiver stops half-way, while another one is still open. */
function giveUp(): Promise<void> {
  return within(async (sender, receiver) => {
    const other = receiver.clone()
    const sent = sender.send('x'.repeat(8 * 2 ** 20))
    await nextTick()
    receiver.tryRecv()
    receiver.close()
    await sent.finally(() => other.close())
  })
}

/** Tries to start a child whose program does not exist. */
async function failToStart(): Promise<void> {
  const { execPath } = process
  process.execPath = fileURLToPath(new URL('./no-such-program', import.meta.url))
  try {
    await forkAndRun(javascript('export default () => 1'))
  } finally {
    process.execPath = execPath
  }
}

/** An environment that is too large for a process (E2BIG, execve(2)). */
const tooBig = { env: { LONG: 'x'.repeat(2 ** 20) } }

/** Makes one call of `ask` to a side that serves these handlers. */
async function calling(handlers: Record<string, () => unknown>): Promise<unknown> {
  const [ours, theirs] = link()
  void serve(theirs, handlers)
  try {
    return await caller<{ ask(): unknown }>(ours).ask()
  } finally {
    for (const end of [ours.sender, ours.receiver, theirs.sender, theirs.receiver]) end.close()
  }
}

/** Submits one job more than may wait. */
async function overfill(): Promise<unknown> {
  await using jobs = pool(javascript('export default () => new Promise(() => undefined)'), {
    size: 1,
    queue: 0,
    grace: 0,
  })
  jobs.run(1).catch(() => undefined)
  return await jobs.run(2)
}

async function refuse(): Promise<unknown> {
  const name = `@wormhole-refuses-${process.pid}`
  await using listener = await listenFor(name)
  const connecting = connect(name)
  await (await listener.accept()).refuse('full')
  return await connecting
}

/** Sends over a connection whose server has closed it. */
async function loseServer(): Promise<void> {
  const server = await new StandInServer({}).start()
  const connection = await server.connect()
  server.stop('Authorization Violation')
  await connection.closed()
  await natsSender(connection, 'jobs')
}

/** Opens a remote channel at a server whose API answers with an error. */
async function refusedByServer(): Promise<unknown> {
  const server = await new StandInServer({
    answer: { error: { code: 500, err_code: 10000, description: 'm' } },
  }).start()
  try {
    const connection = await server.connect()
    return await natsSender(connection, 'jobs').finally(() => connection.close())
  } finally {
    server.stop()
  }
}

/** For each code, ways to cause it: together they show every field that the code may carry. */
export const provocations: Record<WormholeErrorCode, Provocation[]> = {
  ERR_WORMHOLE_ADDRESS_IN_USE: [() => listen('/dev/null')],
  ERR_WORMHOLE_ARGUMENT: [() => channel({ maxMessageBytes: 0 })],
  ERR_WORMHOLE_BAD_FD: [() => Receiver.fromFd(-1)],
  ERR_WORMHOLE_BUSY: [overfill],
  ERR_WORMHOLE_CALL_THREW: [
    () =>
      calling({
        ask: () => {
          throw new Error('m')
        },
      }),
  ],
  ERR_WORMHOLE_CHILD_EXITED: [() => forkAndRun(javascript('export default () => process.exit(3)'))],
  ERR_WORMHOLE_CHILD_THREW: [
    () =>
      forkAndRun(
        javascript(`export default () => { throw Object.assign(new Error('m', { cause: 1 }), { code: 'E' }) }`)
      ),
  ],
  ERR_WORMHOLE_CLOSED: [
    () =>
      within((_, receiver) => {
        receiver.close()
        return receiver.recv()
      }),
  ],
  ERR_WORMHOLE_DISCONNECTED: [
    () =>
      within((sender, receiver) => {
        sender.close()
        return receiver.recv()
      }),
    () =>
      within((sender, receiver) => {
        receiver.close()
        return sender.send(1)
      }),
    loseServer,
  ],
  ERR_WORMHOLE_FDS_TRUNCATED: [
    () =>
      elsewhere(`
        const { channel } = await load('')
        const [sender, receiver] = channel()
        await sender.sendWithFds('message', [0, 0, 0])
        try { for (;;) fs.openSync('/dev/null') } catch {}
        receiver.recvWithFdsSync()`),
  ],
  ERR_WORMHOLE_INVALID: [
    () =>
      within(
        async (sender, receiver) => {
          await sender.send('message')
          return receiver.recv()
        },
        { schema: refusing }
      ),
  ],
  ERR_WORMHOLE_MALFORMED: [
    () => receiving(socket.SOCK_SEQPACKET, frame('no JSON')),
    () => receiving(socket.SOCK_SEQPACKET, frame(Buffer.of(0xff))),
    () => receiving(socket.SOCK_STREAM, frame('', 2n ** 63n)),
  ],
  ERR_WORMHOLE_NO_CHANNEL: [
    () => inherited(),
    () => elsewhere(`process.env.WORMHOLE_CHANNELS = '{'; (await load('process')).inherited()`),
  ],
  ERR_WORMHOLE_NO_HANDLER: [() => calling({})],
  ERR_WORMHOLE_PENDING: [
    () =>
      within(async (sender, receiver) => {
        await Promise.all([sender.send(1), sender.send(2)])
        await receiver.recv()
        receiver.detach()
      }),
  ],
  ERR_WORMHOLE_REFUSED: [refuse],
  ERR_WORMHOLE_SERVER: [refusedByServer],
  ERR_WORMHOLE_SYSTEM: [
    () => peerCredentials(process.stdin.fd + 1_000_000),
    failToStart,
    () => forkAndRun(javascript('export default () => 1'), 1, tooBig),
  ],
  ERR_WORMHOLE_TIMEOUT: [() => within((_, receiver) => receiver.recvSync({ timeout: 0 }))],
  ERR_WORMHOLE_TOO_LARGE: [
    () => within((sender) => sender.send('longer'), { maxMessageBytes: 5 }),
    () => within((sender) => sender.send({ toJSON: () => 'x'.repeat(2 ** 30) })),
  ],
  ERR_WORMHOLE_TOO_MANY_FDS: [() => within((sender) => sender.sendWithFds(1, Array<number>(254).fill(0)))],
  ERR_WORMHOLE_TRUNCATED: [() => receiving(socket.SOCK_STREAM, frame('1', 2n)), giveUp],
  ERR_WORMHOLE_UNREACHABLE: [() => connect(`@wormhole-nobody-${process.pid}`, { timeout: 0 })],
  ERR_WORMHOLE_UNSERIALIZABLE: [
    () => within((sender) => sender.send(undefined)),
    () => within((sender) => sender.send(1n)),
  ],
  ERR_WORMHOLE_UNSUPPORTED: [
    () => elsewhere(`Object.defineProperty(process, 'platform', { value: 'darwin' }); await load('')`),
    () => elsewhere(`Object.defineProperty(process.versions, 'bun', { value: '1.0.0' }); await load('')`),
    () => elsewhere(`process.env.WORMHOLE_IPC_PREBUILD = '/nowhere'; await load('')`),
  ],
}
