import { expect } from 'chai'
import { merge, Receiver, Sender, select } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'

/** Whatever a call does with it, as a promise. */
async function attempt(call: () => unknown): Promise<unknown> {
  return call()
}

const signal = new AbortController().signal
const bare = Object.create(null) as object

describe('an argument that a call cannot take', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  // biome-ignore lint/suspicious/noExplicitAny: what JavaScript callers do
  const calls: [string, (s: any, r: any) => unknown, string[]][] = [
    ['recv(100)', (_, r) => r.recv(100), ['recv()', '100', 'recvSync({ timeout: 100 })', 'AbortSignal.timeout(100)']],
    ['recv(null)', (_, r) => r.recv(null), ['recv()', 'null']],
    ['recv(signal)', (_, r) => r.recv(signal), ['recv({ signal })']],
    ['recv({ signal: 5 })', (_, r) => r.recv({ signal: 5 }), ['recv()', 'AbortSignal', '5']],
    ['recvWithFds(100)', (_, r) => r.recvWithFds(100), ['recvWithFds()', 'recvWithFdsSync({ timeout: 100 })']],
    ['recvSync(100)', (_, r) => r.recvSync(100), ['recvSync({ timeout: 100 })']],
    ['recvSync(null)', (_, r) => r.recvSync(null), ['recvSync()', 'null']],
    ['recvWithFdsSync([])', (_, r) => r.recvWithFdsSync([]), ['recvWithFdsSync()', 'an array']],
    ['send(m, 5)', (s) => s.send(1, 5), ['send()', 'sendSync(message, { timeout: 5 })']],
    ['send(m, signal)', (s) => s.send(1, signal), ['send(message, { signal })']],
    ['send(m, null)', (s) => s.send(1, null), ['send()', 'null']],
    ['sendSync(m, 5)', (s) => s.sendSync(1, 5), ['sendSync(message, { timeout: 5 })']],
    ['sendWithFds(m, 3)', (s) => s.sendWithFds(1, 3), ['sendWithFds()', 'array', '3']],
    ['sendWithFds(m)', (s) => s.sendWithFds(1), ['sendWithFds()', 'undefined']],
    ['sendWithFds(m, { fds })', (s) => s.sendWithFds(1, { fds: [] }), ['sendWithFds()', 'an object']],
    ['sendWithFdsSync(m, 3)', (s) => s.sendWithFdsSync(1, 3), ['sendWithFdsSync()']],
    ['sendAll(5)', (s) => s.sendAll(5), ['sendAll()', 'iterable', '5']],
    ['sendAll(null)', (s) => s.sendAll(null), ['sendAll()', 'null']],
    ['sendAll([], 5)', (s) => s.sendAll([], 5), ['sendAll()', 'AbortSignal.timeout(5)']],
    ['select([])', () => select([] as never), ['select()', 'an array']],
    ['select({})', () => select({}), ['select()', 'at least one']],
    ['select(null)', () => select(null as never), ['select()', 'null']],
    ['select(receiver)', (_, r) => select(r), ['select()']],
    ['select({ a: sender })', (s) => select({ a: s }), ['select()', '"a"', 'a Sender']],
    ['select(receivers, 5)', (_, r) => select({ r }, 5 as never), ['select()', 'AbortSignal.timeout(5)']],
    ['merge(null)', () => merge(null as never).next(), ['merge()', 'null']],
    ['merge({})', () => merge({}).next(), ['merge()', 'at least one']],
    ['merge({ a: bare })', () => merge({ a: bare as never }).next(), ['merge()', '"a"', 'an object']],
    ['merge({ a: signal })', () => merge({ a: signal as never }).next(), ['merge()', '"a"', 'an AbortSignal']],
    ['merge({ a: 5 })', () => merge({ a: 5 as never }).next(), ['merge()', '"a"', '5']],
  ]
  for (const [name, call, words] of calls) {
    it(`is told with the call, what it was, and what to do: ${name}`, async () => {
      const [sender, receiver] = open<number>()
      const { message } = await rejectsCode(
        attempt(() => call(sender, receiver)),
        'ERR_WORMHOLE_ARGUMENT'
      )
      for (const word of words) expect(message).to.include(word)
      expect(message).not.to.match(/\ba (object|array|OwnedFd|undefined|null)\b/)
      expect(receiver.tryRecv()).to.equal(undefined)
    })
  }

  it('takes receivers in an array by their index', async () => {
    const [sender, receiver] = open<number>()
    sender.sendSync(1)
    expect(await select([receiver] as never)).to.deep.equal(['0', 1])
  })

  it('is told of descriptors with the right article', async () => {
    const [sender] = open<number>()
    for (const [source, words] of [
      [{}, 'an object'],
      [bare, 'an object'],
      [null, 'null'],
      [Symbol('fd'), 'Symbol(fd)'],
      [[], 'an array'],
    ] as const) {
      const error = await rejectsCode(sender.sendWithFds(1, [source as never]), 'ERR_WORMHOLE_BAD_FD')
      expect(error.message).to.match(new RegExp(`^${words.replace(/[()]/g, '\\$&')} in fds`))
    }
    for (const end of [Sender, Receiver]) {
      await rejectsCode(
        attempt(() => end.fromFd(bare as never)),
        'ERR_WORMHOLE_BAD_FD'
      )
    }
  })

  it('does not read from an end that its own options close', async () => {
    const [sender, receiver] = open<number>()
    const [, other] = open<number>()
    const closing = {
      get signal() {
        receiver.close()
        return undefined
      },
      get timeout() {
        other.close()
        return 5
      },
    }
    await sender.send(1)
    await rejectsCode(
      attempt(() => receiver.recv(closing as never)),
      'ERR_WORMHOLE_CLOSED'
    )
    await rejectsCode(
      attempt(() => other.recvSync(closing as never)),
      'ERR_WORMHOLE_CLOSED'
    )
    expect(receiver.stats()).to.include({ messages: 0, packets: 0 })
  })
})

/** What `String()` and property reads throw for, and the like. */
const thrown: [string, unknown][] = [
  ['an object without a prototype', bare],
  ['a symbol', Symbol('thrown')],
  ['null', null],
  ['undefined', undefined],
  ['an object whose toString throws', { toString: fail, message: { toString: fail } }],
  ['an object whose message throws', Object.defineProperty({}, 'message', { get: fail })],
  ['an error whose message is an object', Object.assign(new Error('x'), { message: bare })],
  ['a range error whose message throws', Object.defineProperty(new RangeError('x'), 'message', { get: fail })],
  ['a proxy that refuses everything', new Proxy({}, { get: fail, getPrototypeOf: fail, has: fail })],
]

function fail(): never {
  throw new Error('refuses')
}

describe('what a caller throws, of any kind', () => {
  leavesNoDescriptors()
  const { open, reopen } = closesEnds()

  for (const [name, value] of thrown) {
    it(`is the cause of the error for a message, the reason of an abort, or itself: ${name}`, async () => {
      const [sender, whole] = open<unknown>()
      const message = {
        toJSON: () => {
          throw value
        },
      }
      const error = await rejectsCode(
        attempt(() => sender.send(message)),
        'ERR_WORMHOLE_UNSERIALIZABLE'
      )
      expect(error.cause === value).to.equal(true)
      await rejectsCode(sender.sendAll([message]), 'ERR_WORMHOLE_UNSERIALIZABLE')
      expect((await outcomeOf(sender.sendAll(throwing(value)))).reason === value).to.equal(true)
      const aborting = new AbortController()
      const waiting = [whole.recv({ signal: aborting.signal }), select({ whole }, { signal: aborting.signal })]
      aborting.abort(value)
      const reason: unknown = aborting.signal.reason
      for (const one of waiting) expect((await outcomeOf(one)).reason === reason).to.equal(true)
      const receiver = reopen(whole, {
        schema: {
          '~standard': {
            version: 1,
            vendor: 'test',
            validate: () => {
              throw value
            },
          },
        },
      })
      for (const receive of [() => receiver.recv(), () => select({ receiver }), () => merge({ receiver }).next()]) {
        await sender.send(1)
        expect((await outcomeOf(receive())).reason === value).to.equal(true)
      }
    })
  }
})

/** What it is rejected with, in an object: a promise would ask the value itself for a `then`. */
async function outcomeOf(promise: Promise<unknown>): Promise<{ reason?: unknown }> {
  return promise.then(
    () => ({}),
    (reason: unknown) => ({ reason })
  )
}

function throwing(value: unknown): Iterable<unknown> {
  return {
    [Symbol.iterator]: () => ({
      next: () => {
        throw value
      },
    }),
  }
}
