import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { expect } from 'chai'
import type { Sender } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { fill, range, turn } from '../helpers/fill.js'
import { rawSend } from '../helpers/raw.js'

/** Too long for one packet, and for the buffer of a side stream. */
const LONG = 'x'.repeat(3_000_000)

/** Every way of sending fails, each time it is tried. */
async function isAtEnd(sender: Sender<unknown>): Promise<void> {
  for (let time = 0; time < 2; time++) {
    await rejectsCode(sender.send(1), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(sender.sendWithFds(1, [0]), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(sender.sendAll([1, 2]), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(sender.send(LONG), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => sender.trySend(1), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => sender.trySend(LONG), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => sender.sendSync(1), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => sender.sendWithFdsSync(1, [0]), 'ERR_WORMHOLE_DISCONNECTED')
  }
}

/** Endless, as long as somebody asks for more. */
function* endless(): Generator<number> {
  for (let index = 0; ; index++) yield index
}

describe('the end of a channel for its senders', () => {
  leavesNoDescriptors()
  const { open, openStream, keep } = closesEnds()

  for (const [type, make] of [
    ['SOCK_SEQPACKET', open],
    ['SOCK_STREAM', openStream],
  ] as const) {
    const firsts: [string, (sender: Sender<unknown>) => Promise<unknown>][] = [
      ['send', (sender) => sender.send(1)],
      ['sendWithFds', (sender) => sender.sendWithFds(1, [0])],
      ['sendAll', (sender) => sender.sendAll(endless())],
      ['a long send', (sender) => sender.send(LONG)],
      ['trySend', async (sender) => sender.trySend(1)],
      ['a long trySend', async (sender) => sender.trySend(LONG)],
      ['sendSync', async (sender) => sender.sendSync(1)],
    ]
    for (const [name, first] of firsts) {
      it(`is found by ${name} once the receiver is closed, and stays (${type})`, async () => {
        const [sender, receiver] = make<unknown>()
        receiver.close()
        await rejectsCode(first(sender), 'ERR_WORMHOLE_DISCONNECTED')
        await isAtEnd(sender)
      })
    }

    it(`is found though the receiver left messages unread (${type})`, async () => {
      const [sender, receiver] = make<unknown>()
      await sender.send('unread')
      receiver.close()
      await isAtEnd(sender)
    })

    it(`wakes the sends that wait in a full channel (${type})`, async () => {
      const [sender, receiver] = make<unknown>()
      fill(sender, (index) => index)
      const sends = [sender.send(1), sender.sendWithFds(2, [0]), sender.send(LONG)]
      const all = sender.sendAll(endless())
      const flushed = sender.flush()
      await turn()
      receiver.close()
      for (const waiting of [...sends, all, flushed]) await rejectsCode(waiting, 'ERR_WORMHOLE_DISCONNECTED')
      await isAtEnd(sender)
    })

    it(`wakes a sendAll that awaits its messages from elsewhere (${type})`, async () => {
      const [sender, receiver] = make<unknown>()
      async function* slowly(): AsyncGenerator<number> {
        for (const index of endless()) {
          yield index
          if (index === 3) receiver.close()
          await turn()
        }
      }
      await rejectsCode(sender.sendAll(slowly()), 'ERR_WORMHOLE_DISCONNECTED')
    })

    it(`fails a closed sender's sends that wait in a full channel (${type})`, async () => {
      const [sender, receiver] = make<unknown>()
      fill(sender, (index) => index)
      const sent = sender.send('last words')
      sender.close()
      receiver.close()
      await rejectsCode(sent, 'ERR_WORMHOLE_DISCONNECTED')
      expect(sender.fd).to.equal(-1)
    })

    it(`waits for the last of several receivers (${type})`, async () => {
      const [sender, receiver] = make<unknown>()
      const clone = keep(receiver.clone())
      receiver.close()
      await sender.send(1)
      expect(await clone.recv()).to.equal(1)
      clone.close()
      await isAtEnd(sender)
    })

    it(`is an error of a stream that writes to it (${type})`, async () => {
      const [sender, receiver] = make<number>()
      const stream = sender.writable()
      receiver.close()
      stream.write(1)
      const [error] = await once(stream, 'error')
      expect(error).to.have.property('code', 'ERR_WORMHOLE_DISCONNECTED')
      expect([stream.destroyed, sender.closed]).to.deep.equal([true, true])
    })

    it(`ends a pipeline into a full channel (${type})`, async () => {
      const [sender, receiver] = make<number>()
      const piped = pipeline(endless(), sender.writable())
      while (sender.stats().waits === 0) await turn()
      receiver.close()
      await rejectsCode(piped, 'ERR_WORMHOLE_DISCONNECTED')
    })

    // The kernel answers ECONNRESET when a side closes that has not read all it was sent (unix(7)).
    it(`brings a receiver every queued message when the sender closed with bytes unread (${type})`, async () => {
      const [sender, receiver] = make<number>()
      rawSend(receiver.fd, Buffer.from('against the stream'))
      await sender.sendAll(range(3))
      await sender.send(3)
      sender.close()
      for (const message of range(4)) expect(await receiver.recv()).to.equal(message)
      await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
      await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    })

    it(`is the end, too, for a receiver that waits when such a sender closes (${type})`, async () => {
      const [sender, receiver] = make<number>()
      rawSend(receiver.fd, Buffer.from('against the stream'))
      const waiting = receiver.recv()
      sender.close()
      await rejectsCode(waiting, 'ERR_WORMHOLE_DISCONNECTED')
      throwsCode(() => receiver.recvSync(), 'ERR_WORMHOLE_DISCONNECTED')
    })
  }

  it('fails a long message that its receiver has begun to read', async () => {
    const [sender, receiver] = open<unknown>()
    const sent = sender.send(LONG)
    await turn()
    expect(receiver.tryRecv()).to.equal(undefined)
    receiver.close()
    await rejectsCode(sent, 'ERR_WORMHOLE_DISCONNECTED')
    await isAtEnd(sender)
  })

  it('names the system call and its error', async () => {
    const [sender, receiver] = open()
    receiver.close()
    const error = await rejectsCode(sender.send(1), 'ERR_WORMHOLE_DISCONNECTED')
    expect(error).to.include({ syscall: 'sendmsg', errno: -32 })
  })

  it('leaves the sender to be closed, or closed again', async () => {
    const [sender, receiver] = open()
    receiver.close()
    await isAtEnd(sender)
    expect(sender.closed).to.equal(false)
    sender.close()
    sender.close()
    expect(sender.closed).to.equal(true)
    throwsCode(() => void sender.send(1), 'ERR_WORMHOLE_CLOSED')
  })
})

describe('an end that nobody looks at', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  beforeEach(() => {
    unhandled.length = 0
    process.on('unhandledRejection', note)
  })
  afterEach(async () => {
    for (let count = 0; count < 3; count++) await turn()
    process.off('unhandledRejection', note)
    expect(unhandled).to.deep.equal([])
  })

  it('is no unhandled rejection of a send, a sendAll or a flush', async () => {
    const [sender, receiver] = open<unknown>()
    fill(sender, (index) => index)
    void sender.send(1)
    void sender.sendWithFds(2, [0])
    void sender.send(LONG)
    void sender.sendAll([1, 2, 3])
    void sender.flush()
    receiver.close()
    await turn()
    void sender.send(4)
    void sender.sendAll([5])
    void sender.sendWithFds(6, [-1])
  })

  it('is no unhandled rejection of a receive', async () => {
    const [sender, receiver] = open()
    void receiver.recv()
    void receiver.recvWithFds()
    sender.close()
    await turn()
    void receiver.recv()
    const [, other] = open()
    void other.recv()
    void other[Symbol.asyncIterator]().next()
    other.close()
  })
})
