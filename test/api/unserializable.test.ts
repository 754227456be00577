import { expect } from 'chai'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'

const cycle: unknown[] = []
cycle.push({ cycle })

const reason = new Error('not today')

/** Nested arrays alone would not do: from Node 26 on, JSON.stringify needs no stack for them. */
const endless = { toJSON: (): string => JSON.stringify(endless) }

/** What JSON cannot carry. */
const values: Record<string, unknown> = {
  undefined: undefined,
  'a function': () => 1,
  'a symbol': Symbol('s'),
  'a BigInt': 1n,
  'a BigInt deep inside': { list: [{ big: 1n }] },
  'a cycle': cycle,
  'a toJSON that throws': {
    toJSON: () => {
      throw reason
    },
  },
  'a getter that throws': {
    get value() {
      throw reason
    },
  },
  'a throw of no error': {
    toJSON: () => {
      throw null
    },
  },
  'a toJSON that returns undefined': { toJSON: () => undefined },
  'more levels than the stack holds': endless,
}

describe('a message that JSON cannot carry', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  for (const [name, value] of Object.entries(values)) {
    it(`throws at the call, and nothing is sent: ${name}`, async () => {
      const [sender, receiver] = open<unknown>()
      const first = sender.send('before')
      throwsCode(() => void sender.send(value), 'ERR_WORMHOLE_UNSERIALIZABLE')
      throwsCode(() => void sender.sendWithFds(value, [0]), 'ERR_WORMHOLE_UNSERIALIZABLE')
      throwsCode(() => sender.trySend(value), 'ERR_WORMHOLE_UNSERIALIZABLE')
      throwsCode(() => sender.sendSync(value), 'ERR_WORMHOLE_UNSERIALIZABLE')
      throwsCode(() => sender.sendWithFdsSync(value, [0]), 'ERR_WORMHOLE_UNSERIALIZABLE')
      await Promise.all([first, sender.send('after')])
      expect(await receiver.recv()).to.equal('before')
      expect(await receiver.recv()).to.equal('after')
      expect(receiver.tryRecv()).to.equal(undefined)
      expect(sender.stats()).to.include({ messages: 2, queued: 0 })
    })
  }

  it('has the reason as its cause', () => {
    const [sender] = open<unknown>()
    const error = throwsCode(() => void sender.send(values['a toJSON that throws']), 'ERR_WORMHOLE_UNSERIALIZABLE')
    expect(error.cause).to.equal(reason)
    expect(error.message).to.include('not today')
  })

  it('leaves the descriptors that were to go with it', async () => {
    const [sender, receiver] = open<unknown>()
    const [inner, other] = open<string>()
    throwsCode(() => void sender.sendWithFds(undefined, [inner]), 'ERR_WORMHOLE_UNSERIALIZABLE')
    await inner.send('still open')
    expect(await other.recv()).to.equal('still open')
    expect(receiver.tryRecv()).to.equal(undefined)
  })

  it('stops sendAll; what came before it is sent, and nothing after', async () => {
    for (const coalesce of [true, false]) {
      const [sender, receiver] = open<unknown>({ coalesce })
      await rejectsCode(sender.sendAll([1, 2, undefined, 3]), 'ERR_WORMHOLE_UNSERIALIZABLE')
      await rejectsCode(
        sender.sendAll(
          (async function* () {
            yield* [4, cycle, 5]
          })()
        ),
        'ERR_WORMHOLE_UNSERIALIZABLE'
      )
      sender.close()
      const received: unknown[] = []
      for await (const message of receiver) received.push(message)
      expect(received).to.deep.equal([1, 2, 4])
    }
  })
})
