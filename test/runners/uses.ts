// What other test runners run, in the realm and under the timers that they have: nothing here may import one of ours.
import { openSync } from 'node:fs'
import type { Handlers } from './child.js'

/** A copy of the package, as the runner's modules have it now. */
export async function load() {
  return {
    lib: await import('wormhole-ipc'),
    calls: await import('wormhole-ipc/calls'),
    socket: await import('wormhole-ipc/socket'),
    process: await import('wormhole-ipc/process'),
    pool: await import('wormhole-ipc/pool'),
  }
}

type Copy = Awaited<ReturnType<typeof load>>

function same(got: unknown, expected: unknown): void {
  const [text, wanted] = [got, expected].map((value) => JSON.stringify(value))
  if (text !== wanted) throw new Error(`${text} rather than ${wanted}`)
}

/** What it rejects with: an error of the library's, and of the realm's. */
async function failure(copy: Copy, promise: Promise<unknown>): Promise<InstanceType<Copy['lib']['WormholeError']>> {
  const error = await promise.then(
    () => new Error('it resolved'),
    (reason: unknown) => reason
  )
  if (!(error instanceof copy.lib.WormholeError && error instanceof Error)) throw error
  return error
}

/** An abort's reason comes as it is. */
async function aborted(begin: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const aborting = new AbortController()
  const reason = new Error('of this realm')
  const outcome = begin(aborting.signal).catch((error: unknown) => error)
  aborting.abort(reason)
  same((await outcome) === reason, true)
}

const hanging = 'data:text/javascript,export default () => new Promise(() => setInterval(() => {}, 1000))'
const doubling = 'data:text/javascript,export default (n) => 2 * n'
const failing = 'data:text/javascript,export default () => { throw new RangeError("of the job") }'
const MANY = 300

export const uses: Record<string, (copy: Copy) => Promise<void>> = {
  'messages one by one, together, long, and to the end': async ({ lib }) => {
    const [sender, receiver] = lib.channel<unknown>()
    for (let index = 0; index < MANY; index++) {
      void sender.send(index)
      same(await receiver.recv(), index)
    }
    void sender.send('x'.repeat(2_000_000))
    same(((await receiver.recv()) as string).length, 2_000_000)
    void sender.sendAll(Array.from({ length: MANY }, (_, index) => index))
    await sender.flush()
    sender.close()
    let count = 0
    for await (const message of receiver) same(message, count++)
    same(count, MANY)
  },
  'a full channel': async ({ lib }) => {
    const [sender, receiver] = lib.channel<string>()
    while (sender.trySend('x'.repeat(1000)));
    const late = sender.send('late')
    receiver.tryRecv()
    await late
    receiver.close()
    await sender.gone()
    sender.close()
  },
  'select and merge': async ({ lib }) => {
    const [a, one] = lib.channel<number>()
    const [b, two] = lib.channel<number>()
    void a.send(1)
    void b.send(2)
    const got = new Set([(await lib.select({ one, two }))[1]])
    a.close()
    b.close()
    for await (const [, message] of lib.merge({ one, two })) got.add(message)
    same([...got].sort(), [1, 2])
  },
  'timeouts and aborts': async (copy) => {
    const [sender, receiver] = copy.lib.channel()
    same((await failure(copy, (async () => receiver.recvSync({ timeout: 5 }))())).code, 'ERR_WORMHOLE_TIMEOUT')
    await aborted((signal) => receiver.recv({ signal }))
    await aborted((signal) => copy.lib.select({ receiver }, { signal }))
    await aborted((signal) => sender.gone({ signal }))
    sender.close()
    same((await failure(copy, receiver.recv())).code, 'ERR_WORMHOLE_DISCONNECTED')
  },
  'a schema that answers later': async (copy) => {
    const validate = async (value: unknown) =>
      (value as number) < 0 ? { issues: [{ message: 'negative' }] } : { value: 2 * (value as number) }
    const [sender, receiver] = copy.lib.channel<unknown>({
      schema: { '~standard': { version: 1, vendor: 'x', validate } },
    })
    void sender.sendAll([1, -1, 3])
    same(await receiver.recv(), 2)
    same((await failure(copy, receiver.recv())).received, -1)
    same(await receiver.recv(), 6)
    sender.close()
    receiver.close()
  },
  'raw sockets, with bytes of the realm': async (copy) => {
    const { recvmsg, sendmsg, socketpair } = copy.socket
    const [ours, theirs] = socketpair('seqpacket')
    const buffer = new Uint8Array(9)
    for (const bytes of [new Uint8Array([1, 2]), Buffer.from('text')]) {
      const waiting = recvmsg(theirs, buffer)
      await sendmsg(ours, bytes)
      same([(await waiting).bytes, ...buffer.subarray(0, bytes.length)], [bytes.length, ...bytes])
    }
    await aborted((signal) => recvmsg(theirs, buffer, { signal }))
    const waiting = recvmsg(theirs, buffer)
    theirs.close()
    same((await failure(copy, waiting)).code, 'ERR_WORMHOLE_CLOSED')
    ours.close()
  },
  descriptors: async ({ lib }) => {
    const [sender, receiver] = lib.channel<null>()
    const [to, from] = lib.channel<string>()
    const file = new lib.OwnedFd(openSync('/proc/self/stat', 'r'))
    await sender.sendWithFds(null, [to, file])
    const [, [end, text]] = await receiver.recvWithFds()
    const moved = end?.sender<string>()
    await moved?.send('through')
    same(await from.recv(), 'through')
    let bytes = 0
    for await (const chunk of text?.readStream() ?? []) bytes += (chunk as Buffer).length
    same(bytes > 0, true)
    for (const each of [sender, receiver, from, moved]) each?.close()
  },
  forkAndRun: async (copy) => {
    const { forkAndRun } = copy.process
    same(await forkAndRun(new URL(doubling), 21), 42)
    const thrown = await failure(copy, forkAndRun(failing))
    same([thrown.code, thrown.name, thrown.message], ['ERR_WORMHOLE_CHILD_THREW', 'RangeError', 'of the job'])
    same((await failure(copy, forkAndRun(hanging, null, { timeout: 200 }))).code, 'ERR_WORMHOLE_TIMEOUT')
    await aborted((signal) => forkAndRun(hanging, null, { signal }))
  },
  'fork and calls': async (copy) => {
    const [results, inbox] = copy.lib.channel<string>()
    const [ours, theirs] = copy.calls.link()
    const child = copy.process.fork(new URL('./child.js', import.meta.url), [], { channels: { results, api: theirs } })
    const gone = new Promise((resolve) => child.once('exit', resolve))
    for await (const message of inbox) same(message, 'there')
    const api = copy.calls.caller<Handlers>(ours)
    same(await api.double(21), 42)
    const { cause } = await failure(copy, api.fail())
    same([cause instanceof RangeError, (cause as Error).message], [true, 'of the handler'])
    same((await failure(copy, api.hang(undefined, { timeout: 20 }))).code, 'ERR_WORMHOLE_TIMEOUT')
    await aborted((signal) => api.hang(undefined, { signal }))
    for (const end of [ours.sender, ours.receiver]) end.close()
    await gone
  },
  'a pool': async (copy) => {
    const jobs = copy.pool.pool<number, number>(doubling, { size: 2 })
    const got: number[] = []
    for await (const output of jobs.map([1, 2, 3])) got.push(output)
    same(got, [2, 4, 6])
    await jobs.close()
    const slow = copy.pool.pool<null, never>(hanging, { size: 1, grace: 10 })
    same((await failure(copy, slow.run(null, { timeout: 50 }))).code, 'ERR_WORMHOLE_TIMEOUT')
    await slow.close()
  },
}
