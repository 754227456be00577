import { expect } from 'chai'
import type { Receiver } from 'wormhole-ipc'
import { start } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { fill, range, turn } from '../helpers/fill.js'

/** Every way of receiving fails at the end or comes to an end, each time it is tried. */
async function isAtEnd(receiver: Receiver<unknown>): Promise<void> {
  for (let time = 0; time < 2; time++) {
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => receiver.tryRecv(), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => receiver.recvSync(), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => receiver.recvWithFdsSync(), 'ERR_WORMHOLE_DISCONNECTED')
    expect(await collect(receiver)).to.deep.equal([])
    expect(await collect(receiver.batches())).to.deep.equal([])
  }
}

describe('the end of a channel for its receivers', () => {
  leavesNoDescriptors()
  const { open, openStream, keep } = closesEnds()

  for (const [type, make] of [
    ['SOCK_SEQPACKET', open],
    ['SOCK_STREAM', openStream],
  ] as const) {
    it(`comes behind what was sent, and stays (${type})`, async () => {
      const [sender, receiver] = make<number>()
      await sender.sendAll([1, 2, 3])
      await sender.send(4)
      sender.close()
      for (const message of [1, 2, 3, 4]) expect(await receiver.recv()).to.equal(message)
      await isAtEnd(receiver)
    })

    it(`comes to a channel that carried nothing (${type})`, async () => {
      const [sender, receiver] = make()
      sender.close()
      await isAtEnd(receiver)
    })

    it(`wakes every call that waits (${type})`, async () => {
      const [sender, receiver] = make()
      const recvs = [receiver.recv(), receiver.recvWithFds(), receiver.recv()]
      const steps = [receiver[Symbol.asyncIterator]().next(), receiver.batches().next()]
      sender.close()
      for (const waiting of recvs) await rejectsCode(waiting, 'ERR_WORMHOLE_DISCONNECTED')
      for (const step of steps) expect(await step).to.deep.equal({ done: true, value: undefined })
      await isAtEnd(receiver)
    })

    it(`wakes those behind the last message (${type})`, async () => {
      const [sender, receiver] = make()
      const [first, second] = [receiver.recv(), receiver.recv()]
      await sender.send('only')
      sender.close()
      expect(await first).to.equal('only')
      await rejectsCode(second, 'ERR_WORMHOLE_DISCONNECTED')
    })

    it(`ends iteration and batches normally, behind what was sent (${type})`, async () => {
      const [sender, receiver] = make<number>()
      await sender.sendAll(range(10))
      const early = receiver[Symbol.asyncIterator]()
      expect(await early.next()).to.deep.equal({ done: false, value: 0 })
      const rest = collect(receiver)
      await sender.sendAll([10, 11])
      sender.close()
      expect(await rest).to.deep.equal(range(12).slice(1))
      expect(await early.next()).to.deep.equal({ done: true, value: undefined })
      const [other, batched] = make<number>()
      await other.sendAll(range(10))
      other.close()
      expect((await collect(batched.batches())).flat()).to.deep.equal(range(10))
    })

    it(`waits for the last of several senders (${type})`, async () => {
      const [sender, receiver] = make<number>()
      const clone = keep(sender.clone())
      sender.close()
      const waiting = receiver.recv()
      await turn()
      await clone.send(1)
      expect(await waiting).to.equal(1)
      expect(receiver.tryRecv()).to.equal(undefined)
      clone.close()
      await isAtEnd(receiver)
    })

    it(`is seen by each of several receivers (${type})`, async () => {
      const [sender, receiver] = make<number>()
      const clone = keep(receiver.clone())
      const waiting = clone.recv()
      sender.close()
      await rejectsCode(waiting, 'ERR_WORMHOLE_DISCONNECTED')
      await isAtEnd(receiver)
      await isAtEnd(clone)
    })

    it(`comes behind sends that waited in the full channel when their sender was closed (${type})`, async () => {
      const [sender, receiver] = make<number>()
      const full = fill(sender, (index) => index)
      const sends = range(1000).map((index) => sender.send(full + index))
      sender.close()
      const flushed = sender.flush()
      throwsCode(() => void sender.send(0), 'ERR_WORMHOLE_CLOSED')
      expect(sender.closed).to.equal(true)
      expect(await collect(receiver)).to.deep.equal(range(full + 1000))
      await Promise.all([...sends, flushed])
    })
  }

  it('comes behind a long message whose sender was closed at once', async () => {
    const [sender, receiver] = open<string>()
    const long = 'x'.repeat(5_000_000)
    const sent = sender.send(long)
    sender.close()
    expect((await receiver.recv()) === long).to.equal(true)
    await sent
    await isAtEnd(receiver)
  })

  it('comes behind what was sent in the tick of the close', async () => {
    const [sender, receiver] = open<number>()
    for (const message of range(100)) void sender.send(message)
    sender[Symbol.dispose]()
    expect(await collect(receiver)).to.deep.equal(range(100))
  })

  it('comes when another program that holds the channel open shuts its side down', async () => {
    const program = `
import signal, socket
peer = socket.socket(fileno=3)
peer.send(b'\\x01' + bytes(7) + b'1')
peer.shutdown(socket.SHUT_WR)
signal.pause()
`
    const [sender, receiver] = open<number>()
    const child = start('python3', ['-c', program], [sender.fd])
    sender.close()
    expect(await collect(receiver)).to.deep.equal([1])
    await isAtEnd(receiver)
    child.process.kill()
    expect((await child.ended).stderr).to.equal('')
  })

  it('leaves the receiver to be closed, or closed again', async () => {
    const [sender, receiver] = open()
    sender.close()
    await isAtEnd(receiver)
    expect(receiver.closed).to.equal(false)
    receiver.close()
    receiver.close()
    expect(receiver.closed).to.equal(true)
    throwsCode(() => void receiver.recv(), 'ERR_WORMHOLE_CLOSED')
  })
})

describe('a receiver that is closed', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('rejects what waits with ERR_WORMHOLE_CLOSED', async () => {
    const [, receiver] = open()
    const waiting = [
      receiver.recv(),
      receiver.recvWithFds(),
      receiver[Symbol.asyncIterator]().next(),
      receiver.batches().next(),
    ]
    receiver.close()
    for (const call of waiting) await rejectsCode(call, 'ERR_WORMHOLE_CLOSED')
  })

  it('drops the messages that it holds', async () => {
    const [sender, receiver] = open<number>()
    await sender.sendAll([1, 2, 3])
    expect(await receiver.recv()).to.equal(1)
    receiver.close()
    expect(receiver.stats().queued).to.equal(0)
  })

  it('throws at once at every use, as a closed sender does', () => {
    const [sender, receiver] = open()
    sender.close()
    sender.close()
    receiver.close()
    receiver.close()
    expect([sender.fd, receiver.fd, sender.closed, receiver.closed]).to.deep.equal([-1, -1, true, true])
    const uses: (() => unknown)[] = [
      () => sender.send(1),
      () => sender.sendWithFds(1, []),
      () => sender.sendAll([1]),
      () => sender.trySend(1),
      () => sender.sendSync(1),
      () => sender.sendWithFdsSync(1, []),
      () => sender.writable(),
      () => sender.clone(),
      () => sender.detach(),
      () => receiver.recv(),
      () => receiver.recvWithFds(),
      () => receiver.tryRecv(),
      () => receiver.recvSync(),
      () => receiver.recvWithFdsSync(),
      () => receiver.clone(),
      () => receiver.detach(),
    ]
    for (const use of uses) throwsCode(use, 'ERR_WORMHOLE_CLOSED')
  })

  it('rejects the steps of an iteration over it', async () => {
    const [, receiver] = open()
    const iterators = [receiver[Symbol.asyncIterator](), receiver.batches()]
    receiver.close()
    for (const iterator of iterators) {
      const step = (async () => iterator.next())()
      await rejectsCode(step, 'ERR_WORMHOLE_CLOSED')
    }
  })
})
