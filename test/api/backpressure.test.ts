import { expect } from 'chai'
import { type Receiver, select } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { startNode } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { fill, range, textOf, turn, turns } from '../helpers/fill.js'
import { watch } from '../helpers/watch.js'

async function take<T>(receiver: Receiver<T>, count: number): Promise<T[]> {
  const taken: T[] = []
  while (taken.length < count) taken.push(await receiver.recv())
  return taken
}

describe('a full channel', () => {
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  it('makes trySend return false, and then nothing was sent', async () => {
    for (const size of [10, 1000, 60_000, 250_000]) {
      for (const [sender, receiver] of [open<string>(), openStream<string>()]) {
        const count = fill(sender, (index) => textOf(size) + index)
        expect(count).to.be.within(1, 5000)
        for (const _ of range(10)) expect(sender.trySend('more')).to.equal(false)
        const { messages, queued } = sender.stats()
        // A byte stream may have taken a part of the last one, which cannot be taken back.
        expect(messages + queued).to.equal(count)
        expect(queued).to.be.at.most(socket.option(sender.fd, socket.SO_TYPE) === socket.SOCK_STREAM ? 1 : 0)
        sender.close()
        expect(await collect(receiver)).to.deep.equal(range(count).map((index) => textOf(size) + index))
      }
    }
  })

  it('takes by trySend again once there is room', async () => {
    const [sender, receiver] = open<number>()
    const count = fill(sender, (index) => index)
    await take(receiver, count)
    expect(sender.trySend(1)).to.equal(true)
    expect(await receiver.recv()).to.equal(1)
  })

  it('refuses by trySend while earlier sends wait, although a shorter message might fit', async () => {
    const [sender, receiver] = open<string>()
    const long = textOf(60_000)
    const count = fill(sender, () => long)
    const waiting = sender.send(long)
    expect(sender.trySend('short')).to.equal(false)
    expect(await take(receiver, count + 1)).to.have.lengthOf(count + 1)
    await waiting
    expect(sender.trySend('short')).to.equal(true)
    expect(await receiver.recv()).to.equal('short')
  })

  it('makes a send wait until it is drained', async () => {
    for (const [sender, receiver] of [open<unknown>(), openStream<unknown>()]) {
      const count = fill(sender, (index) => index)
      const { waits } = sender.stats()
      const sent = sender.send('last')
      const state = watch(sent)
      await turns()
      expect(state.settled).to.equal(false)
      expect(sender.stats()).to.include({ queued: 1, waits: waits + 1 })
      expect(await take(receiver, count)).to.deep.equal(range(count))
      await sent
      expect(await receiver.recv()).to.equal('last')
      expect(sender.stats()).to.include({ queued: 0, messages: count + 1 })
    }
  })

  it('resolves sends as it is drained, not only when all are through', async () => {
    const [sender, receiver] = open<string>({ coalesce: false })
    const text = textOf(20_000)
    const sends = range(200).map(() => sender.send(text))
    const [first, last] = [watch(sends[0] as Promise<void>), watch(sends.at(-1) as Promise<void>)]
    await sends[0]
    await turns()
    expect([first.settled, last.settled]).to.deep.equal([true, false])
    await take(receiver, 100)
    await sends[99]
    expect(last.settled).to.equal(false)
    await take(receiver, 100)
    await Promise.all(sends)
  })

  it('leaves the event loop alive', async () => {
    const [sender, receiver] = open<unknown>()
    const count = fill(sender, (index) => index)
    const sent = sender.send('last')
    await turn()
    await new Promise((resolve) => setTimeout(resolve, 1))
    await new Promise((resolve) => process.nextTick(resolve))
    await take(receiver, count)
    await sent
  })

  it('never blocks a process that holds both ends', async () => {
    const [sender, receiver] = open<[number, string]>()
    const total = 2000
    const sending = (async () => {
      for (const index of range(total)) await sender.send([index, textOf(500)])
      sender.close()
    })()
    await turns()
    let next = 0
    for await (const [index] of receiver) expect(index).to.equal(next++)
    expect(next).to.equal(total)
    await sending
  })

  it('makes a long message wait for its reader, and passes on what is behind it', async () => {
    const [sender, receiver] = open<string>()
    const long = textOf(5_000_000)
    const states = [sender.send(long), sender.send('behind')].map(watch)
    await turns()
    expect(states.map(({ settled }) => settled)).to.deep.equal([false, true])
    expect((await receiver.recv()) === long).to.equal(true)
    expect(await receiver.recv()).to.equal('behind')
  })

  it('holds no more descriptors however many long messages wait', async () => {
    const [sender, receiver] = open<string>()
    const long = textOf(3_000_000)
    const sent = Promise.all(range(30).map(() => sender.send(long)))
    await turns()
    // As many as may be under way at once are; the next is refused, and what was readied for it let go.
    expect(sender.trySend(textOf(300_000))).to.equal(false)
    for (const message of await take(receiver, 30)) expect(message.length).to.equal(long.length)
    await sent
    expect(receiver.tryRecv()).to.equal(undefined)
  })

  it('takes nothing from a trySend while many long messages are under way', async () => {
    const [sender, receiver] = open<string>()
    const long = textOf(3_000_000)
    const sent = Promise.all(range(8).map(() => sender.send(long)))
    await turns()
    const descriptors = openDescriptors()
    const accepted = sender.trySend(textOf(300_000))
    expect(openDescriptors()).to.equal(descriptors)
    for (const _ of range(8)) expect((await receiver.recv()).length).to.equal(long.length)
    await sent
    expect(receiver.tryRecv() !== undefined).to.equal(accepted)
  })
})

describe('a channel that is never full', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  /** Runs `step` until timers and immediates have had their turns meanwhile. */
  async function untilOthersRan(step: (index: number) => Promise<unknown>): Promise<void> {
    let [ticks, turns] = [0, 0]
    const interval = setInterval(() => ticks++, 1)
    const again = () => {
      turns++
      immediate = setImmediate(again)
    }
    let immediate = setImmediate(again)
    for (let index = 0; ticks < 5 || turns < 5; index++) await step(index)
    clearInterval(interval)
    clearImmediate(immediate)
  }

  it('leaves timers and others their turns, however it is used', async () => {
    const [sender, receiver] = open<number>()
    await untilOthersRan(async (index) => {
      await sender.send(index)
      expect(await receiver.recv()).to.equal(index)
    })
    await untilOthersRan(async (index) => {
      expect(sender.trySend(index)).to.equal(true)
      expect(await select({ receiver })).to.deep.equal(['receiver', index])
    })
    await untilOthersRan(async (index) => {
      expect(await sender.sendAll([index])).to.equal(1)
      expect(receiver.tryRecv()).to.equal(index)
    })
  })

  it('leaves them their turns while it is drained elsewhere as fast as it is filled', async () => {
    const [sender, receiver] = open<[string, number, string]>()
    const [reporting, reports] = open<[string, number, number][]>()
    const { ended } = startNode('consumer', [], [receiver.fd, reporting.fd])
    receiver.close()
    reporting.close()
    let sent = 0
    await untilOthersRan(async (index) => {
      await sender.send(['a', index, ''])
      sent++
    })
    sender.close()
    expect((await reports.recv()).length).to.equal(sent)
    expect(await ended).to.include({ code: 0, stderr: '' })
  })
})
