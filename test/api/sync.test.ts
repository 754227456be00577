import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import type { Receiver, Sender } from 'wormhole-ipc'
import { fixture, startNode } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { fill, range, textOf } from '../helpers/fill.js'

describe('blocking calls in one thread', () => {
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  it('send and receive in order', () => {
    for (const [sender, receiver] of [open<unknown>(), openStream<unknown>()]) {
      const messages = [{ a: [1] }, null, 'é\u{1f30c}', textOf(100_000)]
      for (const message of messages) sender.sendSync(message)
      expect(sender.stats()).to.include({ messages: 4, queued: 0 })
      for (const message of messages) expect(receiver.recvSync()).to.deep.equal(message)
    }
  })

  it('send and receive descriptors', () => {
    const [sender, receiver] = open<string>()
    sender.sendWithFdsSync('with', [0, 1, 2])
    sender.sendWithFdsSync('without', [])
    const [message, fds] = receiver.recvWithFdsSync()
    expect(message).to.equal('with')
    expect(fds).to.have.lengthOf(3)
    for (const fd of fds) fd.close()
    expect(receiver.recvWithFdsSync()).to.deep.equal(['without', []])
  })

  it('say when nothing is there, and what is there although it is falsy', () => {
    const [sender, receiver] = open<unknown>()
    const falsy = [null, 0, false, '']
    expect(receiver.tryRecv()).to.equal(undefined)
    for (const message of falsy) expect(sender.trySend(message)).to.equal(true)
    for (const message of falsy) expect(receiver.tryRecv()).to.equal(message)
    expect(receiver.tryRecv()).to.equal(undefined)
    sender.close()
    throwsCode(() => receiver.tryRecv(), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => receiver.tryRecv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('throw at the end, after what was sent has been received', () => {
    const [sender, receiver] = open<number>()
    sender.sendSync(1)
    sender.close()
    expect(receiver.recvSync()).to.equal(1)
    throwsCode(() => receiver.recvSync(), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => receiver.recvWithFdsSync({ timeout: 1 }), 'ERR_WORMHOLE_DISCONNECTED')
    const [other, gone] = open<number>()
    gone.close()
    throwsCode(() => other.sendSync(1), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => other.trySend(1), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('send after the sends that are pending', async () => {
    const [sender, receiver] = open<number>()
    const sends = range(10).map((index) => sender.send(index))
    sender.sendSync(10)
    const more = sender.send(11)
    expect(sender.trySend(12)).to.equal(true)
    for (const index of range(13)) expect(receiver.recvSync()).to.equal(index)
    await Promise.all([...sends, more])
  })

  it('leave a message to the calls that wait already', async () => {
    const [sender, receiver] = open<number>()
    const first = receiver.recv()
    const second = receiver.recv()
    sender.sendSync(1)
    expect(receiver.tryRecv()).to.equal(undefined)
    for (const message of [2, 3, 4]) sender.sendSync(message)
    expect(receiver.recvSync()).to.equal(3)
    expect(receiver.tryRecv()).to.equal(4)
    expect(await Promise.all([first, second])).to.deep.equal([1, 2])
    const third = receiver.recv()
    sender.sendSync(5)
    throwsCode(() => receiver.recvSync({ timeout: 1 }), 'ERR_WORMHOLE_TIMEOUT')
    expect(await third).to.equal(5)
  })

  it('try to send a long message: as much as the kernel takes at once, else nothing', () => {
    const [sender, receiver] = open<string>()
    const descriptors = openDescriptors()
    const text = textOf(300_000, '€')
    expect(sender.trySend(text)).to.equal(true)
    expect(sender.trySend('behind')).to.equal(true)
    expect(sender.trySend(textOf(64 * 2 ** 20))).to.equal(false)
    expect(receiver.tryRecv() === text).to.equal(true)
    expect(receiver.tryRecv()).to.equal('behind')
    expect(receiver.tryRecv()).to.equal(undefined)
    fill(sender, () => 'filling')
    expect(sender.trySend(text)).to.equal(false)
    while (receiver.tryRecv() === 'filling');
    expect(receiver.stats().queued).to.equal(0)
    expect(openDescriptors()).to.equal(descriptors)
    expect(sender.stats().queued).to.equal(0)
  })
})

describe('a timeout', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('ends a receive, and nothing is lost', () => {
    const [sender, receiver] = open<number>()
    for (const timeout of [0, 0.5, 10]) {
      throwsCode(() => receiver.recvSync({ timeout }), 'ERR_WORMHOLE_TIMEOUT')
      throwsCode(() => receiver.recvWithFdsSync({ timeout }), 'ERR_WORMHOLE_TIMEOUT')
    }
    sender.sendSync(1)
    expect(receiver.recvSync({ timeout: 0 })).to.equal(1)
  })

  it('ends a receive in the middle of a long message, and nothing is lost', async () => {
    const [sender, receiver] = open<string>()
    const text = textOf(5_000_000)
    const sent = sender.send(text)
    await new Promise((resolve) => setImmediate(resolve))
    throwsCode(() => receiver.recvSync({ timeout: 5 }), 'ERR_WORMHOLE_TIMEOUT')
    expect((await receiver.recv()) === text).to.equal(true)
    await sent
  })

  it('ends a send into a full channel: not delivered, while the others are', async () => {
    const [sender, receiver] = open<number>()
    const count = fill(sender, (index) => index)
    for (const timeout of [0, 0.5, 10]) throwsCode(() => sender.sendSync(-1, { timeout }), 'ERR_WORMHOLE_TIMEOUT')
    const waiting = sender.send(count)
    throwsCode(() => sender.sendWithFdsSync(-1, [0], { timeout: 5 }), 'ERR_WORMHOLE_TIMEOUT')
    expect(sender.stats().queued).to.equal(1)
    sender.close()
    expect(await collect(receiver)).to.deep.equal(range(count + 1))
    await waiting
  })

  it('of 0 sends what can be sent', () => {
    const [sender, receiver] = open<number>()
    sender.sendSync(1, { timeout: 0 })
    expect(receiver.recvSync()).to.equal(1)
  })

  it('ends a long message that was under way in its own place only', () => {
    const [sender, receiver] = open<string>()
    throwsCode(() => sender.sendSync(textOf(5_000_000), { timeout: 5 }), 'ERR_WORMHOLE_TIMEOUT')
    sender.sendSync('next')
    throwsCode(() => receiver.recvSync(), 'ERR_WORMHOLE_TRUNCATED')
    expect(receiver.recvSync()).to.equal('next')
  })

  it('that is none is refused', () => {
    const [sender, receiver] = open<number>()
    for (const timeout of [-1, Number.NaN, '5' as unknown as number, null as unknown as number]) {
      throwsCode(() => receiver.recvSync({ timeout }), 'ERR_WORMHOLE_ARGUMENT')
      throwsCode(() => sender.sendSync(1, { timeout }), 'ERR_WORMHOLE_ARGUMENT')
    }
    expect(receiver.tryRecv()).to.equal(undefined)
  })
})

describe('blocking calls against', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  function echoes(sender: Sender, receiver: Receiver): void {
    for (const index of range(1000)) {
      sender.sendSync({ index })
      expect(receiver.recvSync()).to.deep.equal({ index })
    }
    for (const [bytes, unit] of [
      [212_953, 'a'],
      [1_000_000, '\u{1f30c}'],
      [5_000_000, '€'],
      [20_000_000, 'a'],
    ] as const) {
      const text = textOf(bytes, unit)
      sender.sendSync(text)
      expect(receiver.recvSync() === text).to.equal(true)
    }
    sender.close()
    throwsCode(() => receiver.recvSync(), 'ERR_WORMHOLE_DISCONNECTED')
  }

  it('a process that does the same: messages of all sizes go both ways', async () => {
    const [there, receiverThere] = open()
    const [senderBack, back] = open()
    const { ended } = startNode('echo-sync', [], [receiverThere.fd, senderBack.fd])
    receiverThere.close()
    senderBack.close()
    echoes(there, back)
    expect(await ended).to.deep.equal({ code: 0, signal: null, stdout: '', stderr: '' })
  })

  it('a worker thread that does the same', async () => {
    const [there, receiverThere] = open()
    const [senderBack, back] = open()
    const worker = new Worker(fixture('echo-sync'), { workerData: [receiverThere.detach(), senderBack.detach()] })
    const exit = once(worker, 'exit')
    await once(worker, 'online')
    echoes(there, back)
    expect(await exit).to.deep.equal([0])
  })

  it('a process that takes its time: a full channel blocks until there is room', async () => {
    const [sender, receiver] = open<[string, number, string]>()
    const [reporting, reports] = open<[string, number, number][]>()
    const { ended } = startNode('consumer', [], [receiver.fd, reporting.fd])
    receiver.close()
    reporting.close()
    for (const index of range(3000)) sender.sendSync(['a', index, textOf(1000)])
    sender.close()
    expect(reports.recvSync()).to.deep.equal(range(3000).map((index) => ['a', index, 998]))
    expect(await ended).to.include({ code: 0, stderr: '' })
  })

  it('a process that sends: each is received, and then the end', async () => {
    const [sender, receiver] = open<[string, number, string]>()
    const { ended } = startNode('producer', ['a', '3000', '500'], [sender.fd])
    sender.close()
    for (const index of range(3000)) expect(receiver.recvSync()[1]).to.equal(index)
    throwsCode(() => receiver.recvSync(), 'ERR_WORMHOLE_DISCONNECTED')
    expect(await ended).to.include({ code: 0, stderr: '' })
  })
})
