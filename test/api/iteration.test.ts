import { expect } from 'chai'
import { Receiver } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { startNode } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { range, textOf, turn } from '../helpers/fill.js'
import { headerOf, rawPair, rawSend } from '../helpers/raw.js'

function frame(payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload)
  return Buffer.concat([headerOf(bytes.length), bytes])
}

/** The steps of an iteration, begun anew after each that fails: messages, and codes of what failed. */
async function outcomes<T>(iterate: () => AsyncIterable<T>): Promise<unknown[]> {
  const all: unknown[] = []
  for (;;) {
    try {
      for await (const step of iterate()) all.push(step)
      return all
    } catch (error) {
      all.push((error as { code?: unknown }).code)
    }
  }
}

describe('iteration', () => {
  leavesNoDescriptors()
  const { open, openStream, keep } = closesEnds()

  /** A receiver, and the bare other end of its socket. */
  function bare(type: number): [fd: number, close: () => void, receiver: Receiver] {
    const [fd, receiving] = rawPair(type)
    socket.adopt(fd)
    const close = () => socket.close(fd)
    keep({ [Symbol.dispose]: close })
    return [fd, close, keep(Receiver.fromFd(receiving))]
  }

  it('gives every message in order, and ends when every sender is gone', async () => {
    for (const [sender, receiver] of [open<number>(), openStream<number>()]) {
      const received = collect(receiver)
      expect(await sender.sendAll(range(100_000))).to.equal(100_000)
      sender.close()
      const messages = await received
      expect(messages.length).to.equal(100_000)
      expect(messages.every((message, index) => message === index)).to.equal(true)
      expect(await collect(receiver)).to.deep.equal([])
      await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    }
  })

  it('gives falsy messages', async () => {
    const [sender, receiver] = open<unknown>()
    await sender.sendAll([null, 0, false, ''])
    sender.close()
    expect(await collect(receiver)).to.deep.equal([null, 0, false, ''])
  })

  it('waits for messages, and for the end', async () => {
    const [sender, receiver] = open<number>()
    const received = collect(receiver)
    for (const index of range(10)) {
      await turn()
      await sender.send(index)
    }
    await turn()
    sender.close()
    expect(await received).to.deep.equal(range(10))
  })

  it('leaves the receiver as it is when the loop is left', async () => {
    const [sender, receiver] = open<number>()
    await sender.sendAll(range(5))
    for await (const message of receiver) if (message === 1) break
    const thrown = new Error('out of the loop')
    const looping = (async () => {
      for await (const _ of receiver) throw thrown
    })()
    expect(await looping.catch((error: unknown) => error)).to.equal(thrown)
    expect(receiver.closed).to.equal(false)
    expect(await receiver.recv()).to.equal(3)
    sender.close()
    expect(await collect(receiver)).to.deep.equal([4])
  })

  it('shares the messages among several loops, in order', async () => {
    const [sender, receiver] = open<number>()
    const loops = [collect(receiver), collect(receiver)]
    await sender.sendAll(range(1000))
    sender.close()
    const lists = await Promise.all(loops)
    expect(lists.flat().sort((a, b) => a - b)).to.deep.equal(range(1000))
    for (const list of lists) expect(list).to.deep.equal([...list].sort((a, b) => a - b))
  })

  it('takes nothing once it was returned, although a step waits', async () => {
    const [sender, receiver] = open<number>()
    const ended = { done: true, value: undefined }
    for (const steps of [receiver[Symbol.asyncIterator](), receiver.batches()]) {
      const waiting = steps.next()
      expect(await steps.return?.()).to.deep.equal(ended)
      expect(await waiting).to.deep.equal(ended)
      await sender.send(1)
      expect(await receiver.recv()).to.equal(1)
    }
  })

  it('takes its turn among calls that wait', async () => {
    const [sender, receiver] = open<number>()
    const first = receiver.recv()
    const step = receiver[Symbol.asyncIterator]().next()
    const last = receiver.recv()
    await sender.sendAll([1, 2, 3])
    expect(await Promise.all([first, step, last])).to.deep.equal([1, { done: false, value: 2 }, 3])
  })

  for (const [name, type] of [
    ['packets', socket.SOCK_SEQPACKET],
    ['a byte stream', socket.SOCK_STREAM],
  ] as const) {
    it(`rejects one step for a malformed message, and goes on behind it: ${name}`, async () => {
      const [fd, close, receiver] = bare(type)
      const good = ['1', '"two"', '[3]'].map(frame)
      const bad = [frame('{'), frame(''), frame(Buffer.from([0x22, 0xff, 0x22])), frame('[1'), frame('2]')]
      rawSend(fd, Buffer.concat([good[0], bad[0], good[1]] as Buffer[]))
      for (const bytes of [...bad.slice(1), good[2]]) rawSend(fd, bytes as Buffer)
      close()
      const failed = 'ERR_WORMHOLE_MALFORMED'
      expect(await outcomes(() => receiver)).to.deep.equal([1, failed, 'two', failed, failed, failed, failed, [3]])
    })
  }

  it('rejects one step for a packet that breaks off, and goes on behind it', async () => {
    const [fd, close, receiver] = bare(socket.SOCK_SEQPACKET)
    rawSend(fd, Buffer.concat([frame('1'), headerOf(10), Buffer.from('2')]))
    rawSend(fd, headerOf(3).subarray(0, 5))
    rawSend(fd, headerOf(3))
    rawSend(fd, frame('4'))
    close()
    const failed = 'ERR_WORMHOLE_MALFORMED'
    expect(await outcomes(() => receiver)).to.deep.equal([1, failed, failed, failed, 4])
  })

  it('passes over empty packets', async () => {
    const [fd, close, receiver] = bare(socket.SOCK_SEQPACKET)
    for (const _ of range(100)) rawSend(fd, Buffer.alloc(0))
    rawSend(fd, frame('1'))
    rawSend(fd, Buffer.alloc(0))
    const received = collect(receiver)
    await turn()
    close()
    expect(await received).to.deep.equal([1])
  })

  it('gives the batches of packets', async () => {
    const [sender, receiver] = open<number>()
    await Promise.all([sender.send(1), sender.send(2), sender.send(3)])
    await sender.send(4)
    await sender.sendAll([5, 6])
    sender.close()
    expect(await collect(receiver.batches())).to.deep.equal([[1, 2, 3], [4], [5, 6]])
  })

  it('gives the rest of a packet as a batch, and the receiver keeps what is behind it', async () => {
    const [sender, receiver] = open<number>()
    await sender.sendAll([1, 2, 3])
    await sender.sendAll([4, 5])
    expect(await receiver.recv()).to.equal(1)
    for await (const batch of receiver.batches()) {
      expect(batch).to.deep.equal([2, 3])
      break
    }
    expect(await receiver.recv()).to.equal(4)
    sender.close()
    expect(await collect(receiver.batches())).to.deep.equal([[5]])
  })

  it('gives batches up to a message that fails, and from behind it', async () => {
    const [fd, close, receiver] = bare(socket.SOCK_SEQPACKET)
    rawSend(fd, Buffer.concat(['1', '2', '{', '4', ']', ','].map(frame)))
    rawSend(fd, frame('"next"'))
    close()
    const failed = 'ERR_WORMHOLE_MALFORMED'
    expect(await outcomes(() => receiver.batches())).to.deep.equal([[1, 2], failed, [4], failed, failed, ['next']])
  })

  it('gives batches of many and of long messages, nothing lost and nothing empty', async () => {
    const [sender, receiver] = open<string>()
    const messages = range(20_000).map((index) => textOf(index % 7000 === 5 ? 300_000 : 10) + index)
    const sending = sender.sendAll(messages).then(() => sender.close())
    const batches = await collect(receiver.batches())
    await sending
    expect(batches.every((batch) => batch.length > 0)).to.equal(true)
    expect(batches.length).to.be.lessThan(2000)
    expect(batches.flat()).to.deep.equal(messages)
  })

  for (const way of ['messages', 'batches'] as const) {
    it(`lets timers and others run while a process sends at full speed: ${way}`, async () => {
      const [sender, receiver] = open<number>()
      const { ended } = startNode('flood', [], [sender.fd])
      sender.close()
      let [ticks, turns, next] = [0, 0, 0]
      const interval = setInterval(() => ticks++, 1)
      const again = () => {
        turns++
        immediate = setImmediate(again)
      }
      let immediate = setImmediate(again)
      const enough = () => ticks >= 10 && turns >= 10 && next >= 50_000
      if (way === 'messages') {
        for await (const message of receiver) {
          expect(message === next++).to.equal(true)
          if (enough()) break
        }
      } else {
        for await (const batch of receiver.batches()) {
          for (const message of batch) expect(message === next++).to.equal(true)
          if (enough()) break
        }
      }
      clearInterval(interval)
      clearImmediate(immediate)
      receiver.close()
      expect(await ended).to.deep.equal({ code: 0, signal: null, stdout: '', stderr: '' })
    })
  }
})
