import { expect } from 'chai'
import type { EndpointStats, Receiver, Sender } from 'wormhole-ipc'
import { WAIT_SLICE_MS } from '#lib/os/poller'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { fill, range, spin, textOf, turn } from '../helpers/fill.js'
import { until } from '../helpers/until.js'

const SPIN_MS = 20

type Both = [sender: Sender<number>, receiver: Receiver<number>]

function drain(receiver: Receiver<number>): void {
  while (receiver.tryRecv() !== undefined);
}

const none: EndpointStats = { messages: 0, bytes: 0, packets: 0, fds: 0, waits: 0, longestWait: 0, queued: 0 }

describe('stats', () => {
  leavesNoDescriptors()
  const { open, openStream, reopen, keep } = closesEnds()

  it('begin with nothing, at both ends', () => {
    for (const ends of [open(), openStream()]) {
      for (const end of ends) expect(end.stats()).to.deep.equal(none)
    }
  })

  it('count messages, bytes of JSON, packets and descriptors', async () => {
    const [sender, receiver] = open<string>()
    await sender.send('é')
    await Promise.all([sender.send('a'), sender.send('bc')])
    await sender.sendWithFds('d', [0, 1])
    const sent = { messages: 4, bytes: 4 + 3 + 4 + 3, packets: 3, fds: 2, queued: 0 }
    expect(sender.stats()).to.include(sent)
    for (const _ of range(3)) await receiver.recv()
    const [, fds] = await receiver.recvWithFds()
    for (const fd of fds) fd.close()
    expect(receiver.stats()).to.include(sent)
  })

  it('count descriptors that nobody takes', async () => {
    const [sender, receiver] = open<string>()
    await sender.sendWithFds('a', [0, 1, 2])
    await receiver.recv()
    expect(receiver.stats()).to.include({ messages: 1, fds: 3 })
  })

  it('count a long message as one, with its own bytes and descriptors', async () => {
    for (const [sender, receiver] of [open<string>(), openStream<string>()]) {
      const bytes = 1_000_000
      const sent = Promise.all([sender.sendWithFds(textOf(bytes, '€'), [0]), sender.send('next')])
      const [, fds] = await receiver.recvWithFds()
      for (const fd of fds) fd.close()
      expect(fds).to.have.lengthOf(1)
      await receiver.recv()
      await sent
      for (const end of [sender, receiver]) {
        expect(end.stats()).to.include({ messages: 2, bytes: bytes + 6, fds: 1, queued: 0 })
      }
    }
  })

  it('count the same over a byte stream', async () => {
    const [sender, receiver] = openStream<string>()
    const texts = range(500).map((index) => textOf(10 + index))
    const received = collect(receiver)
    await sender.sendAll(texts)
    sender.close()
    await received
    const bytes = texts.reduce((sum, text) => sum + text.length + 2, 0)
    for (const end of [sender, receiver]) expect(end.stats()).to.include({ messages: 500, bytes, queued: 0 })
  })

  it('tell how many messages are here: pending at the sender, not yet taken at the receiver', async () => {
    const [sender, receiver] = open<string>()
    const sends = ['a', 'b', 'c'].map((message) => sender.send(message))
    expect(sender.stats()).to.include({ messages: 0, queued: 3 })
    await Promise.all(sends)
    expect(sender.stats()).to.include({ messages: 3, queued: 0 })
    expect(receiver.stats()).to.include({ messages: 0, queued: 0 })
    await receiver.recv()
    expect(receiver.stats()).to.include({ messages: 1, queued: 2, packets: 1 })
    receiver.tryRecv()
    expect(receiver.stats()).to.include({ messages: 2, queued: 1, packets: 1 })
    receiver.recvSync()
    expect(receiver.stats()).to.include({ messages: 3, queued: 0, packets: 1 })
  })

  it('tell what waits in a full channel', async () => {
    const [sender, receiver] = open<number>()
    const count = fill(sender, (index) => index)
    const sends = range(10).map((index) => sender.send(index))
    await turn()
    expect(sender.stats()).to.include({ messages: count, queued: 10 })
    sender.close()
    expect(await collect(receiver)).to.have.lengthOf(count + 10)
    await Promise.all(sends)
    expect(sender.stats()).to.include({ messages: count + 10, queued: 0 })
  })

  it('count how often an end had to wait for the other', async () => {
    const [sender, receiver] = open<number>()
    await sender.send(1)
    await receiver.recv()
    expect(sender.stats().waits).to.equal(0)
    const waits = receiver.stats().waits
    const received = receiver.recv()
    await turn()
    expect(receiver.stats().waits).to.equal(waits + 1)
    await sender.send(2)
    await received
    fill(sender, (index) => index)
    const before = sender.stats().waits
    const sent = sender.send(3)
    await turn()
    expect(sender.stats().waits).to.equal(before + 1)
    sender.close()
    await collect(receiver)
    await sent
  })

  it('count a blocking call that waits as one, however often it looks up', async () => {
    const [sender, receiver] = open<number>()
    // A slice more than is asked for: on a busy machine the wait begins later than the call.
    throwsCode(() => receiver.recvSync({ timeout: 3 * WAIT_SLICE_MS }), 'ERR_WORMHOLE_TIMEOUT')
    expect(receiver.stats().waits).to.equal(1)
    expect(receiver.stats().longestWait).to.be.at.least(2 * WAIT_SLICE_MS)
    fill(sender, (index) => index)
    const { waits } = sender.stats()
    throwsCode(() => sender.sendSync(0, { timeout: 3 * WAIT_SLICE_MS }), 'ERR_WORMHOLE_TIMEOUT')
    expect(sender.stats().waits).to.equal(waits + 1)
    expect(sender.stats().longestWait).to.be.at.least(2 * WAIT_SLICE_MS)
  })

  for (const [who, wait, help] of [
    ['receiver', (_sender, receiver) => receiver.recv(), (sender) => void sender.trySend(1)],
    ['sender', (sender) => sender.send(1), (_sender, receiver) => drain(receiver)],
  ] as [string, (...ends: Both) => Promise<unknown>, (...ends: Both) => void][]) {
    it(`tell the longest wait of a ${who}, in milliseconds, while it goes on and afterwards`, async () => {
      const [sender, receiver] = open<number>()
      const end = who === 'sender' ? sender : receiver
      if (who === 'sender') fill(sender, (index) => index)
      const began = performance.now()
      const waiting = wait(sender, receiver)
      await until('it has waited for a while', () => end.stats().longestWait > SPIN_MS)
      const during = end.stats().longestWait
      help(sender, receiver)
      await waiting
      const { longestWait } = end.stats()
      expect(longestWait).to.be.within(during, performance.now() - began)
      spin(SPIN_MS)
      expect(end.stats().longestWait, 'after the wait').to.equal(longestWait)
    })
  }

  it('begin a new wait with each packet, however many wait', async () => {
    const [sender, receiver] = open<number>()
    const began = performance.now()
    const received = [receiver.recv(), receiver.recv()]
    await until('it has waited for a while', () => receiver.stats().longestWait > SPIN_MS)
    const between = performance.now()
    await sender.send(1)
    await received[0]
    const first = performance.now() - began
    const { longestWait } = receiver.stats()
    await until('it has waited for longer', () => receiver.stats().longestWait > longestWait)
    await sender.send(2)
    await received[1]
    const second = performance.now() - between
    expect(receiver.stats().longestWait).to.be.within(SPIN_MS, Math.max(first, second))
  })

  it('do not count what could not be sent', async () => {
    const [sender, receiver] = open<unknown>({ maxMessageBytes: 100 })
    throwsCode(() => sender.trySend(undefined), 'ERR_WORMHOLE_UNSERIALIZABLE')
    throwsCode(() => sender.trySend(textOf(101)), 'ERR_WORMHOLE_TOO_LARGE')
    const abort = new AbortController()
    const outcome = sender.send('a', { signal: abort.signal }).catch(() => 'aborted')
    abort.abort()
    expect(await outcome).to.equal('aborted')
    expect(sender.stats()).to.deep.equal(none)
    receiver.close()
    throwsCode(() => sender.trySend('b'), 'ERR_WORMHOLE_DISCONNECTED')
    expect(sender.stats()).to.deep.equal(none)
  })

  it('count a long message once the kernel has all of it, and not one that breaks off', async () => {
    const [sender, receiver] = open<string>()
    const text = textOf(10_000_000)
    const sent = sender.send(text)
    await turn()
    expect(sender.stats()).to.include({ messages: 0, bytes: 0, packets: 1, queued: 1 })
    await receiver.recv()
    await sent
    expect(sender.stats()).to.include({ messages: 1, bytes: text.length + 2, packets: 1, queued: 0 })
    const abort = new AbortController()
    const outcome = sender.send(text, { signal: abort.signal }).catch(() => 'aborted')
    await turn()
    abort.abort()
    expect(await outcome).to.equal('aborted')
    expect(sender.stats()).to.include({ messages: 1, bytes: text.length + 2, packets: 2, queued: 0 })
  })

  it('count messages that fail at the receiver as taken', async () => {
    const [sender, whole] = open<string>()
    const receiver = reopen(whole, { maxMessageBytes: 10 })
    await sender.sendAll([textOf(11), 'a'])
    throwsCode(() => receiver.tryRecv(), 'ERR_WORMHOLE_TOO_LARGE')
    expect(receiver.stats()).to.include({ messages: 1, queued: 1 })
    expect(receiver.tryRecv()).to.equal('a')
  })

  it('do not count messages as taken that a closed receiver drops', async () => {
    const [sender, receiver] = open<number>()
    await sender.sendAll([1, 2, 3])
    await receiver.recv()
    receiver.close()
    expect(receiver.stats()).to.include({ messages: 1, queued: 0 })
  })

  it('are those of one end, not of its clones, and stay after it is closed', async () => {
    const [sender, receiver] = open<number>()
    const clone = keep(sender.clone())
    await sender.send(1)
    expect(clone.stats()).to.deep.equal(none)
    sender.close()
    expect(sender.stats()).to.include({ messages: 1, packets: 1 })
    clone.close()
    expect(await collect(receiver)).to.deep.equal([1])
    expect(receiver.stats()).to.include({ messages: 1, packets: 1, queued: 0 })
  })

  it('are a copy', async () => {
    const [sender] = open<number>()
    const before = sender.stats()
    before.messages = 100
    await sender.send(1)
    expect(before.messages).to.equal(100)
    expect(sender.stats().messages).to.equal(1)
  })
})
