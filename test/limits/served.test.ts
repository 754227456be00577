import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { merge, Receiver, type Sender, select } from 'wormhole-ipc'
import { overBudget } from '#lib/core/loop-budget'
import { option, SO_SNDBUF, SOCK_STREAM } from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { range } from '../helpers/fill.js'
import { sized } from '../helpers/long.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { frame } from '../helpers/reference-framer.js'
import { forceSendBuffer } from '../helpers/send-buffer.js'

/** Calls that wait on one receiver. */
const CALLS = sized(6000, 12_000)
/** As many messages as one packet holds. */
const FEW = 1000
/** How long what each of them sets off is busy, in milliseconds: all together, many times a turn. */
const BUSY_MS = 0.02

function beBusy(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

type Call = (receiver: Receiver<unknown>) => Promise<unknown>

/** Each makes the calls of one receiver. */
const callers: Record<string, (receiver: Receiver<unknown>) => Call> = {
  'recv()': () => (receiver) => receiver.recv(),
  'recvWithFds()': () => async (receiver) => (await receiver.recvWithFds())[0],
  'select()': () => async (receiver) => (await select({ receiver }))[1],
  'next() of one iteration': (receiver) => {
    const iterator = receiver[Symbol.asyncIterator]()
    return async () => (await iterator.next()).value
  },
  'next() of one merge': (receiver) => {
    const iterator = merge({ receiver })
    return async () => (await iterator.next()).value?.[1]
  },
}

/** How many of the calls had an answer each time that the event loop came round. */
class Rounds {
  answered = 0
  readonly seen: number[] = []
  #immediate: NodeJS.Immediate | undefined

  start(): void {
    this.#immediate = setImmediate(() => {
      this.seen.push(this.answered)
      this.start()
    })
  }

  stop(): void {
    clearImmediate(this.#immediate)
    // What has been answered since the last round: all, where the loop never came round.
    this.seen.push(this.answered)
  }

  /** Most answers between two rounds. */
  get max(): number {
    return Math.max(...this.seen.map((count, index) => count - (this.seen[index - 1] ?? 0)))
  }
}

function sendEach(sender: Sender<unknown>, count: number): void {
  for (const number of range(count)) void sender.send(number)
}

/** Makes very many calls that wait, and sends a message for each. */
async function areServedInOrder(sender: Sender<unknown>, call: () => unknown): Promise<void> {
  const rounds = new Rounds()
  const order: unknown[] = []
  const calls = range(CALLS).map(async () => {
    order.push(await call())
    rounds.answered++
    beBusy(BUSY_MS)
  })
  sendEach(sender, CALLS)
  rounds.start()
  await Promise.all(calls)
  rounds.stop()
  expect(order).to.deep.equal(range(CALLS))
  expect(rounds.max).to.be.below(CALLS / 2)
}

describe('the event loop comes round while very many calls wait on one receiver', () => {
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  for (const [name, caller] of Object.entries(callers)) {
    it(`and is served, in order: ${name}`, async () => {
      const [sender, receiver] = open<unknown>()
      const call = caller(receiver)
      await areServedInOrder(sender, () => call(receiver))
      expect(receiver.stats()).to.include({ messages: CALLS, queued: 0 })
    })
  }

  it('and is served by a byte stream, in order', async () => {
    const [sender, receiver] = openStream<unknown>()
    await areServedInOrder(sender, () => receiver.recv())
  })

  it('and comes to its end', async () => {
    const [sender, receiver] = open<unknown>()
    const rounds = new Rounds()
    const calls = range(CALLS).map(async () => {
      await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
      rounds.answered++
      beBusy(BUSY_MS)
    })
    sender.close()
    rounds.start()
    await Promise.all(calls)
    rounds.stop()
    expect(rounds.max).to.be.below(CALLS / 2)
  })

  it('and is closed in between: the others are rejected', async () => {
    const [sender, receiver] = open<unknown>()
    let answered = 0
    const calls = range(CALLS).map(() =>
      receiver.recv().then(() => {
        answered++
        if (answered === 100) receiver.close()
      })
    )
    sendEach(sender, CALLS)
    const outcomes = await Promise.allSettled(calls)
    const rejected = outcomes.filter(({ status }) => status === 'rejected')
    expect(rejected).to.have.length(CALLS - answered)
    expect(outcomes.slice(0, answered).every(({ status }) => status === 'fulfilled')).to.equal(true)
    expect(answered).to.be.within(100, CALLS / 2)
    expect(receiver.stats()).to.include({ messages: answered, queued: 0 })
  })

  it('and some are aborted in between: messages that are there win, and none is lost', async () => {
    const [sender, receiver] = open<unknown>()
    const aborting = new AbortController()
    const { signal } = aborting
    const order: unknown[] = []
    const calls = range(FEW).map(async (index) => {
      order.push(await receiver.recv(index % 2 === 0 ? {} : { signal }))
      if (order.length === 100) aborting.abort()
    })
    sendEach(sender, FEW / 2)
    const outcomes = await Promise.race([Promise.allSettled(calls.slice(0, FEW / 2)), Promise.all(calls)])
    for (const outcome of outcomes as PromiseSettledResult<void>[]) expect(outcome.status).to.equal('fulfilled')
    sendEach(sender, FEW / 4)
    const aborted = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected')
    expect(aborted).to.have.length(FEW / 4)
    expect(order).to.deep.equal([...range(FEW / 2), ...range(FEW / 4)])
  })

  it('and others look in between: who waits comes first', async () => {
    const [sender, receiver] = open<unknown>()
    const order: unknown[] = []
    let looked: unknown
    const calls = range(FEW).map(async () => {
      order.push(await receiver.recv())
      if (order.length === 100) looked = receiver.tryRecv()
    })
    sendEach(sender, FEW + 1)
    await Promise.all(calls)
    expect(order).to.deep.equal(range(FEW))
    expect(looked).to.equal(FEW)
  })

  it('and a byte stream passes over a message that was refused', async function () {
    const [sending, receiving] = rawPair(SOCK_STREAM)
    const receiver = Receiver.fromFd(receiving, { maxMessageBytes: 1024 })
    try {
      const piece = Buffer.alloc(64 * 1024, 'x')
      const pieces = 24
      forceSendBuffer(sending, 4 * pieces * piece.length)
      if (option(sending, SO_SNDBUF) < 2 * pieces * piece.length) this.skip()
      rawSend(sending, frame('', 100n * 1024n * 1024n))
      await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TOO_LARGE')
      for (let count = 0; count < pieces; count++) rawSend(sending, piece)
      const before = receiver.stats().packets
      while (!overBudget());
      expect(receiver.tryRecv()).to.equal(undefined)
      expect(receiver.stats().packets - before).to.equal(1)
      // The next turn: all that is there.
      await new Promise((resolve) => setImmediate(resolve))
      expect(receiver.tryRecv()).to.equal(undefined)
      expect(receiver.stats().packets - before).to.be.above(1)
    } finally {
      receiver.close()
      closeSync(sending)
    }
  })
})
