import { expect } from 'chai'
import type { Receiver } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { textOf } from '../helpers/fill.js'

const MIB = 1024 * 1024
const LIMIT = 100
const within = textOf(LIMIT)
const over = textOf(LIMIT + 1)

/** What comes until the end, and the codes of what fails on the way. */
async function outcomes(receiver: Receiver): Promise<unknown[]> {
  const all: unknown[] = []
  for (;;) {
    try {
      for await (const message of receiver) all.push(message)
      return all
    } catch (error) {
      all.push((error as { code?: unknown }).code)
    }
  }
}

describe('maxMessageBytes at the sender', () => {
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  for (const [kind, make] of [
    ['packets', () => open<string>({ maxMessageBytes: LIMIT })],
    ['a byte stream', () => openStream<string>({ maxMessageBytes: LIMIT })],
  ] as const) {
    it(`refuses one message that is longer, over ${kind}; the next arrives`, async () => {
      const [sender, receiver] = make()
      await rejectsCode(sender.send(over), 'ERR_WORMHOLE_TOO_LARGE')
      await rejectsCode(sender.sendWithFds(over, [0]), 'ERR_WORMHOLE_TOO_LARGE')
      throwsCode(() => sender.trySend(over), 'ERR_WORMHOLE_TOO_LARGE')
      throwsCode(() => sender.sendSync(over), 'ERR_WORMHOLE_TOO_LARGE')
      throwsCode(() => sender.sendWithFdsSync(over, [0]), 'ERR_WORMHOLE_TOO_LARGE')
      expect(sender.stats()).to.include({ messages: 0, packets: 0, queued: 0 })
      await sender.send(within)
      expect(await receiver.recv()).to.equal(within)
    })
  }

  it('counts bytes of UTF-8, not characters', async () => {
    const [sender, receiver] = open<string>({ maxMessageBytes: 8 })
    await sender.send('€€')
    await rejectsCode(sender.send('€€€'), 'ERR_WORMHOLE_TOO_LARGE')
    await sender.send('sixsix')
    expect(await receiver.recv()).to.equal('€€')
    expect(await receiver.recv()).to.equal('sixsix')
  })

  it('stops sendAll at a message that is longer; those before it are sent', async () => {
    for (const coalesce of [true, false]) {
      const [sender, receiver] = open<string>({ maxMessageBytes: LIMIT, coalesce })
      await rejectsCode(sender.sendAll([within, 'b', over, 'never']), 'ERR_WORMHOLE_TOO_LARGE')
      sender.close()
      expect(await outcomes(receiver)).to.deep.equal([within, 'b'])
    }
  })

  it('fails the one send among those of a tick', async () => {
    const [sender, receiver] = open<string>({ maxMessageBytes: LIMIT })
    const sent = [sender.send('a'), sender.send(over), sender.send('b')]
    const results = await Promise.allSettled(sent)
    expect(results.map(({ status }) => status)).to.deep.equal(['fulfilled', 'rejected', 'fulfilled'])
    sender.close()
    expect(await outcomes(receiver)).to.deep.equal(['a', 'b'])
  })

  it('is 64 MiB by default', async () => {
    const [sender] = open<string>()
    await rejectsCode(sender.send(textOf(64 * MIB + 1)), 'ERR_WORMHOLE_TOO_LARGE')
  })
})

describe('maxMessageBytes at the receiver', () => {
  leavesNoDescriptors()
  const { open, openStream, reopen } = closesEnds()

  it('refuses one message among those of a packet', async () => {
    const [sender, whole] = open<string>()
    const receiver = reopen(whole, { maxMessageBytes: LIMIT })
    await sender.sendAll([over, 'a', over, over, within, over])
    sender.close()
    const refused = 'ERR_WORMHOLE_TOO_LARGE'
    expect(await outcomes(receiver)).to.deep.equal([refused, 'a', refused, refused, within, refused])
    expect(receiver.stats()).to.include({ messages: 6, packets: 1 })
  })

  it('refuses a message that has a packet to itself', async () => {
    const [sender, whole] = open<string>({ coalesce: false })
    const receiver = reopen(whole, { maxMessageBytes: LIMIT })
    await sender.send(over)
    await sender.send(textOf(200_000, '€'))
    await sender.send('next')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TOO_LARGE')
    throwsCode(() => receiver.tryRecv(), 'ERR_WORMHOLE_TOO_LARGE')
    expect(receiver.recvSync()).to.equal('next')
  })

  it('refuses a message too long for one packet, and lets its sender know', async () => {
    const [sender, whole] = open<string>()
    const receiver = reopen(whole, { maxMessageBytes: 300_000 })
    const long = sender.send(textOf(8 * MIB))
    const next = sender.send('next')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TOO_LARGE')
    expect(await receiver.recv()).to.equal('next')
    await rejectsCode(long, 'ERR_WORMHOLE_TRUNCATED')
    await next
    const text = textOf(300_000)
    const [received] = await Promise.all([receiver.recv(), sender.send(text)])
    expect(received).to.equal(text)
  })

  it('closes the descriptors of a message that it refuses', async () => {
    const [sender, whole] = open<string>()
    const receiver = reopen(whole, { maxMessageBytes: LIMIT })
    for (const text of [over, textOf(300_000)]) {
      const sent = sender.sendWithFds(text, [0, 1, 2])
      await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_TOO_LARGE')
      await sent
    }
    await sender.sendWithFds('next', [0])
    const [message, fds] = await receiver.recvWithFds()
    expect(message).to.equal('next')
    expect(fds).to.have.lengthOf(1)
    for (const fd of fds) fd.close()
  })

  it('passes over a longer message in a byte stream, however many reads it takes', async () => {
    for (const bytes of [LIMIT + 1, 5000, 300_000, 3 * MIB]) {
      const [sender, receiver] = openStream<string>({}, { maxMessageBytes: LIMIT })
      const sent = Promise.all([within, textOf(bytes), 'a', textOf(bytes), within].map((text) => sender.send(text)))
      sender.close()
      const refused = 'ERR_WORMHOLE_TOO_LARGE'
      expect(await outcomes(receiver)).to.deep.equal([within, refused, 'a', refused, within])
      await sent
    }
  })

  it('accepts exactly its limit, however the message travels', async () => {
    for (const bytes of [LIMIT, 5000, 213_000, 2 * MIB]) {
      const text = textOf(bytes)
      for (const [sender, whole] of [open<string>(), openStream<string>()]) {
        const receiver = reopen<unknown>(whole, { maxMessageBytes: bytes })
        const [received] = await Promise.all([receiver.recv(), sender.send(text)])
        expect(received === text).to.equal(true)
        const refused = reopen<unknown>(receiver, { maxMessageBytes: bytes - 1 })
        const again = sender.send(text).catch(() => undefined)
        await rejectsCode(refused.recv(), 'ERR_WORMHOLE_TOO_LARGE')
        refused.close()
        await again
        sender.close()
      }
    }
  })
})
