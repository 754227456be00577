import { expect } from 'chai'
import { type MergeOptions, merge, type Receiver, select } from 'wormhole-ipc'
import { start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { range, textOf, turn } from '../helpers/fill.js'
import { sized } from '../helpers/long.js'
import { Random } from '../helpers/random.js'
import { tally } from '../helpers/tally.js'
import { usesChildren } from '../helpers/uses-children.js'

type Told = [key: string, message: unknown, ended: boolean]

/** Takes with `select` until all have ended. */
async function* selecting(receivers: Record<string, Receiver<unknown>>, options: { ends: true }) {
  for (;;) {
    try {
      yield (await select(receivers, options)) as Told
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_WORMHOLE_DISCONNECTED') return
      throw error
    }
  }
}

const calls = {
  select: selecting,
  merge: (receivers: Record<string, Receiver<unknown>>, options: { ends: true }) =>
    merge(receivers, options) as AsyncIterable<Told>,
}

for (const [name, taking] of Object.entries(calls)) {
  describe(`${name} with ends: true`, () => {
    leavesNoDescriptors()
    usesChildren()
    const { open, reopen, keep } = closesEnds()

    it('tells each end once, after the messages before it', async () => {
      const [a, receiverA] = open<number>()
      const [b, receiverB] = open<number>()
      const [c, receiverC] = open<number>()
      await a.sendAll(range(100))
      await b.send(7)
      for (const sender of [a, b, c]) sender.close()
      const told: Told[] = []
      for await (const step of taking({ a: receiverA, b: receiverB, c: receiverC }, { ends: true })) told.push(step)
      expect(told.filter(([, , ended]) => ended)).to.have.deep.members(
        ['a', 'b', 'c'].map((key) => [key, undefined, true])
      )
      const from = (key: string) => told.filter((step) => step[0] === key).slice(0, -1)
      expect(from('a')).to.deep.equal(range(100).map((value) => ['a', value, false]))
      expect(from('b')).to.deep.equal([['b', 7, false]])
      expect(from('c')).to.deep.equal([])
      // An end is taken, as a message is: another loop over the same receivers is not told again.
      for await (const step of taking({ a: receiverA, c: receiverC }, { ends: true })) expect.fail(String(step))
    })

    it('tells an end that comes while it waits, and one that came before', async () => {
      const [a, receiverA] = open<string>()
      const [b, receiverB] = open<string>()
      const [c, receiverC] = open<string>()
      c.close()
      await rejectsCode(receiverC.recv(), 'ERR_WORMHOLE_DISCONNECTED')
      const steps = taking({ a: receiverA, b: receiverB, c: receiverC }, { ends: true })[Symbol.asyncIterator]()
      expect((await steps.next()).value).to.deep.equal(['c', undefined, true])
      const ended = steps.next()
      await turn()
      b.close()
      expect((await ended).value).to.deep.equal(['b', undefined, true])
      const next = steps.next()
      await a.send('on')
      expect((await next).value).to.deep.equal(['a', 'on', false])
      a.close()
      expect((await steps.next()).value).to.deep.equal(['a', undefined, true])
      expect((await steps.next()).done).to.equal(true)
    })

    it('tells the death of a child beside the messages of the others', async () => {
      const [a, receiverA] = open<number>()
      const [b, receiverB] = open<number>()
      const held = keep(a.clone())
      const child = start('sleep', ['1000'], [a.fd])
      a.close()
      held.close()
      const seen: Told[] = []
      await b.send(1)
      for await (const step of taking({ a: receiverA, b: receiverB }, { ends: true })) {
        seen.push(step)
        if (step[0] === 'b' && step[1] === 1) child.process.kill('SIGKILL')
        if (step[0] === 'a') await b.send(2)
        if (step[1] === 2) b.close()
      }
      expect(seen).to.deep.equal([
        ['b', 1, false],
        ['a', undefined, true],
        ['b', 2, false],
        ['b', undefined, true],
      ])
      await child.ended
    })

    it('tells ends in their turn among channels that always have messages', async () => {
      const busy = range(3).map(() => open<number>())
      await Promise.all(busy.map(([sender]) => sender.sendAll(range(500))))
      const quiet = range(3).map(() => open<number>())
      const receivers = Object.fromEntries([
        ...busy.map(([, receiver], index) => [`busy${index}`, receiver] as const),
        ...quiet.map(([, receiver], index) => [`quiet${index}`, receiver] as const),
      ])
      const keys: string[] = []
      for await (const [key, , ended] of taking(receivers, { ends: true })) {
        keys.push(key)
        if (keys.length === 30) {
          for (const [sender] of quiet) sender.close()
          // The kernel's word comes with the event loop.
          await turn()
        }
        if (ended && key.startsWith('busy')) expect.fail('a busy channel is open')
        if (keys.length === 900) break
      }
      for (const [key, count] of Object.entries(tally(keys))) {
        if (key.startsWith('quiet')) expect(count).to.equal(1)
        else expect(count).to.be.within(250, 350)
      }
      expect(keys.filter((key) => key.startsWith('quiet'))).to.have.length(3)
    })

    it('rejects with what fails, and tells the end after it', async () => {
      const [a, whole] = open<string>()
      const receivers = { a: reopen(whole, { maxMessageBytes: 10 }) }
      await a.send(textOf(11))
      a.close()
      const first = taking(receivers, { ends: true })[Symbol.asyncIterator]()
      expect((await rejectsCode(first.next(), 'ERR_WORMHOLE_TOO_LARGE')).key).to.equal('a')
      const told: Told[] = []
      for await (const step of taking(receivers, { ends: true })) told.push(step)
      expect(told).to.deep.equal([['a', undefined, true]])
    })

    it('tells the end of a receiver under two keys once', async () => {
      const [sender, receiver] = open<number>()
      sender.close()
      const told: Told[] = []
      for await (const step of taking({ a: receiver, b: receiver }, { ends: true })) told.push(step)
      expect(told.map(([, ...rest]) => rest)).to.deep.equal([[undefined, true]])
    })
  })
}

describe('the ends that select and merge tell', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  it('go to one of the calls that wait; the others wait on', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const receivers = { a: receiverA, b: receiverB }
    const steps = merge(receivers, { ends: true })
    const waiting = [select(receivers, { ends: true }), steps.next(), select(receivers, { ends: true })]
    await turn()
    a.close()
    // A call that an end is not told waits for what comes then.
    const sending = b.sendAll([1, 2])
    const results = (await Promise.all(waiting)).map((result) => ('value' in result ? result.value : result))
    expect(results).to.have.deep.members([
      ['a', undefined, true],
      ['b', 1, false],
      ['b', 2, false],
    ])
    await sending
    await steps.return?.()
  })

  it('go to the first of two calls of select that wait for the same', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const receivers = { a: receiverA, b: receiverB }
    const waiting = [select(receivers, { ends: true }), select(receivers, { ends: true })]
    await turn()
    a.close()
    await turn()
    await b.send(1)
    expect(await Promise.all(waiting)).to.deep.equal([
      ['a', undefined, true],
      ['b', 1, false],
    ])
  })

  for (const more of [0, 1, 2, 3]) {
    it(`are told by a merge that comes upon them while it reads others, after ${more} more messages`, async () => {
      const [a, receiverA] = open<number>()
      const [b, receiverB] = open<number>()
      const steps = merge({ a: receiverA, b: receiverB }, { ends: true })
      await a.send(0)
      expect((await steps.next()).value).to.deep.equal(['a', 0, false])
      for (const id of range(1 + more)) {
        const step = steps.next()
        await b.send(id)
        expect((await step).value).to.deep.equal(['b', id, false])
      }
      a.close()
      expect((await steps.next()).value).to.deep.equal(['a', undefined, true])
    })
  }

  it('are told once among calls of all kinds, which all settle, in any order', async () => {
    for (const seed of range(sized(40, 400))) {
      const numbers = new Random(seed)
      const random = (bound: number) => numbers.below(bound)
      const channels = range(1 + random(5)).map(() => open<number>({ coalesce: random(2) === 0 }))
      const receivers = Object.fromEntries(channels.map(([, receiver], index) => [`c${index}`, receiver]))
      const told: Told[] = []
      const together = async () => {
        const steps = merge(receivers, { ends: true })
        for (;;) {
          const results = await Promise.all([steps.next(), steps.next(), steps.next()])
          for (const { done, value } of results) if (done !== true) told.push(value as Told)
          if (results.some(({ done }) => done)) return
        }
      }
      const each = async (taking: (typeof calls)['select' | 'merge']) => {
        for await (const step of taking(receivers, { ends: true })) told.push(step)
      }
      const consumers = [together(), together(), each(calls.select), each(calls.merge)].slice(random(3))
      const counts = channels.map(() => random(60))
      await Promise.all(
        channels.map(async ([sender], index) => {
          for (const id of range(counts[index] as number)) {
            const sending = sender.send(id)
            if (random(4) === 0) await sending
            if (random(15) === 0) await turn()
          }
          sender.close()
        })
      )
      await Promise.all(consumers)
      for (const [index, count] of counts.entries()) {
        const own = told.filter(([key]) => key === `c${index}`)
        expect(own.filter(([, , ended]) => ended)).to.have.length(1)
        expect(own).to.have.length(count + 1)
      }
    }
  })

  it('are kept for a later call by one that is aborted or left before', async () => {
    const [a, receiverA] = open<number>()
    const [, receiverB] = open<number>()
    const receivers = { a: receiverA, b: receiverB }
    const aborting = new AbortController()
    const waiting = select(receivers, { ends: true, signal: aborting.signal })
    const steps = merge(receivers, { ends: true })
    const step = steps.next()
    await turn()
    aborting.abort(new Error('enough'))
    expect(await waiting.catch((error: Error) => error.message)).to.equal('enough')
    await steps.return?.()
    expect(await step).to.deep.equal({ done: true, value: undefined })
    a.close()
    expect(await select(receivers, { ends: true })).to.deep.equal(['a', undefined, true])
  })

  it('win against an abort if they are there', async () => {
    const [a, receiverA] = open<number>()
    const aborting = new AbortController()
    const waiting = select({ a: receiverA }, { ends: true, signal: aborting.signal })
    await turn()
    a.close()
    aborting.abort()
    expect(await waiting).to.deep.equal(['a', undefined, true])
  })

  it('are not told without the option, nor taken by a call without it', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    a.close()
    await b.send(1)
    const receivers = { a: receiverA, b: receiverB }
    expect(await select(receivers, { ends: false })).to.deep.equal(['b', 1])
    await b.send(2)
    b.close()
    const steps: unknown[] = []
    for await (const step of merge(receivers)) steps.push(step)
    expect(steps).to.deep.equal([['b', 2]])
    const told = [await select(receivers, { ends: true }), await select(receivers, { ends: true })]
    expect(told.map(([key]) => key)).to.have.members(['a', 'b'])
    await rejectsCode(select(receivers, { ends: true }), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('are told by a merge although another call found them first', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const steps = merge({ a: receiverA, b: receiverB }, { ends: true })
    await a.send(1)
    await b.send(2)
    const first = [(await steps.next()).value, (await steps.next()).value]
    expect(first).to.have.deep.members([
      ['a', 1, false],
      ['b', 2, false],
    ])
    a.close()
    // Another call finds the end first.
    await rejectsCode(receiverA.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    expect((await steps.next()).value).to.deep.equal(['a', undefined, true])
    b.close()
    expect((await steps.next()).value).to.deep.equal(['b', undefined, true])
    expect(await steps.next()).to.deep.equal({ done: true, value: undefined })
  })

  it('are an option that is true or false', async () => {
    const [, receiver] = open<number>()
    for (const wrong of [1, 'true', null]) {
      const options = { ends: wrong } as unknown as MergeOptions
      for (const call of [select({ receiver }, options), merge({ receiver }, options).next()]) {
        expect((await rejectsCode(call, 'ERR_WORMHOLE_ARGUMENT')).message).to.include('ends must be true or false')
      }
    }
    for (const wrong of [true, null, [], new AbortController().signal]) {
      const steps = merge({ receiver }, wrong as never)
      const { message } = await rejectsCode(steps.next(), 'ERR_WORMHOLE_ARGUMENT')
      expect(message).to.include('merge() takes { ends }')
    }
  })
})
