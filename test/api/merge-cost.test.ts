import { expect } from 'chai'
import { merge, type Receiver, type Sender } from 'wormhole-ipc'
import { ReceiveQueue } from '#lib/receive/receive-queue'
import { type Calls, countCalls } from '../helpers/count-calls.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { range, turn } from '../helpers/fill.js'
import { Random } from '../helpers/random.js'

const MESSAGES = 600
const total = ({ recvmsg, watches }: Calls) => recvmsg + watches

/** How often somebody came to stay with a receiver, or left it, while `use` ran. */
async function countJoins(use: () => Promise<void>): Promise<{ subscribe: number; unsubscribe: number }> {
  const joins = { subscribe: 0, unsubscribe: 0 }
  const { subscribe, unsubscribe } = ReceiveQueue.prototype
  Object.assign(ReceiveQueue.prototype, {
    subscribe(this: ReceiveQueue, ...args: Parameters<typeof subscribe>) {
      joins.subscribe++
      subscribe.apply(this, args)
    },
    unsubscribe(this: ReceiveQueue, ...args: Parameters<typeof unsubscribe>) {
      joins.unsubscribe++
      unsubscribe.apply(this, args)
    },
  })
  try {
    await use()
    return joins
  } finally {
    Object.assign(ReceiveQueue.prototype, { subscribe, unsubscribe })
  }
}

describe('what a merge costs', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  function openMany(count: number): [Sender<number>[], Record<string, Receiver<number>>] {
    const channels = range(count).map(() => open<number>())
    const receivers = Object.fromEntries(channels.map(([, receiver], index) => [`c${index}`, receiver]))
    return [channels.map(([sender]) => sender), receivers]
  }

  /** Calls of the addon for each message, once the merge stays with its receivers. */
  async function callsAMessage(
    count: number,
    load: (senders: Sender<number>[], steps: AsyncIterator<unknown>) => Promise<number>
  ): Promise<number> {
    const [senders, receivers] = openMany(count)
    const steps = merge(receivers)
    await load(senders, steps)
    let messages = 0
    let calls: Calls | undefined
    const during = await countJoins(async () => {
      calls = await countCalls(async () => {
        messages = await load(senders, steps)
      })
    })
    expect(during).to.deep.equal({ subscribe: 0, unsubscribe: 0 })
    await steps.return?.()
    return total(calls as Calls) / messages
  }

  const loads: Record<string, Parameters<typeof callsAMessage>[1]> = {
    'messages on random ones': async (senders, steps) => {
      const random = new Random(7)
      for (const index of range(MESSAGES)) {
        const step = steps.next()
        random.pick(senders).sendSync(index)
        await step
      }
      return MESSAGES
    },
    'all messages on one': async (senders, steps) => {
      for (const index of range(MESSAGES)) {
        const step = steps.next()
        senders[0]?.sendSync(index)
        await step
      }
      return MESSAGES
    },
    'all busy at once': async (senders, steps) => {
      const each = Math.max(1, Math.floor(200 / senders.length))
      for (const sender of senders) for (const index of range(each)) sender.sendSync(index)
      for (const _ of range(each * senders.length)) await steps.next()
      return each * senders.length
    },
  }

  for (const [name, load] of Object.entries(loads)) {
    it(`a message costs as few calls over 1,000 receivers as over 2: ${name}`, async () => {
      const few = await callsAMessage(2, load)
      expect(await callsAMessage(100, load)).to.be.lessThan(3 * few + 1)
      expect(await callsAMessage(1000, load)).to.be.lessThan(3 * few + 1)
    })
  }

  for (const [name, stepsOf] of Object.entries({
    merge: (receiver: Receiver<number>) => merge({ a: receiver }),
    iteration: (receiver: Receiver<number>) => receiver[Symbol.asyncIterator](),
    batches: (receiver: Receiver<number>) => receiver.batches(),
  })) {
    it(`steps asked in advance cost as much each when they are many: ${name}`, async () => {
      const cost = async (count: number): Promise<number> => {
        const [sender, receiver] = open<number>({ coalesce: false })
        const steps = stepsOf(receiver)
        const before = process.cpuUsage()
        const all = range(count).map(() => steps.next())
        await sender.sendAll(range(count))
        await Promise.all(all)
        const { user, system } = process.cpuUsage(before)
        await steps.return?.()
        return (user + system) / count
      }
      await cost(2000)
      const few = await cost(2000)
      expect(await cost(20_000)).to.be.lessThan(6 * few)
    })
  }

  it('reads a packet only while a step waits, and one packet at a time', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const [copyA, copyB] = [receiverA.clone(), receiverB.clone()]
    const steps = merge({ a: receiverA, b: receiverB })
    for (const round of range(20)) {
      const step = steps.next()
      await turn()
      a.sendSync(round)
      b.sendSync(round)
      const [key] = (await step).value as [string, number]
      await turn()
      const [taken, left] = key === 'a' ? [copyA, copyB] : [copyB, copyA]
      expect(taken.tryRecv()).to.equal(undefined)
      expect(left.tryRecv()).to.equal(round)
    }
    copyA.close()
    copyB.close()
    await steps.return?.()
  })

  it('serves whoever came first: a step, or a call of one of the receivers', async () => {
    const [a, receiver] = open<number>({ coalesce: false })
    const steps = merge({ a: receiver })
    const other = merge({ other: receiver })
    const first = [steps.next(), receiver.recv(), other.next(), steps.next(), receiver.recv()]
    await turn()
    await a.sendAll(range(5))
    const got = (await Promise.all(first)).map((one) => (typeof one === 'number' ? one : one.value[1]))
    expect(got).to.deep.equal(range(5))
    await steps.return?.()
    await other.return?.()
  })

  it('finds what a call has read and left, although no step waited then', async () => {
    const [a, receiver] = open<number>()
    const steps = merge({ a: receiver })
    const step = steps.next()
    await turn()
    a.sendSync(0)
    await step
    await Promise.all(range(10).map((index) => a.send(index)))
    expect(await receiver.recv()).to.equal(0)
    for (const index of range(9)) expect((await steps.next()).value).to.deep.equal(['a', index + 1])
    await steps.return?.()
  })

  it('one that was served longer ago comes first, although others are always ready', async () => {
    const [a, receiverA] = open<number>({ coalesce: false })
    const [b, receiverB] = open<number>()
    const steps = merge({ a: receiverA, b: receiverB })
    await a.sendAll(range(50))
    for (const _ of range(5)) expect((await steps.next()).value[0]).to.equal('a')
    b.sendSync(1)
    const keys = [(await steps.next()).value[0], (await steps.next()).value[0]]
    expect(keys).to.include('b')
    await steps.return?.()
  })

  for (const leave of ['return', 'throw'] as const) {
    it(`leaves nothing behind after ${leave}(), whether a step waited or not`, async () => {
      const [, receiver] = open<number>()
      for (const waits of [true, false, true]) {
        const many = range(200).map(() => merge({ a: receiver }))
        const waiting = waits ? many.map((steps) => steps.next()) : []
        await turn()
        let calls: Calls | undefined
        const joins = await countJoins(async () => {
          calls = await countCalls(async () => {
            for (const steps of many) {
              if (leave === 'return') await steps.return?.()
              else await steps.throw?.(new Error('enough')).catch(() => undefined)
            }
          })
        })
        expect(calls?.recvmsg).to.equal(0)
        expect(joins).to.deep.equal({ subscribe: 0, unsubscribe: waits ? 200 : 0 })
        for (const step of waiting) expect(await step).to.deep.equal({ done: true, value: undefined })
      }
      expect(receiver.tryRecv()).to.equal(undefined)
    })
  }
})
