import { expect } from 'chai'
import { type Receiver, type Selected, select } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { range, spin, textOf, turn } from '../helpers/fill.js'
import { reasonOf } from '../helpers/reason.js'
import { tally } from '../helpers/tally.js'

const reason = new Error('enough')

/** A select that rejects also where select throws. */
async function attempt(receivers: Record<string, Receiver<number>>): Promise<[string, number]> {
  return select(receivers)
}

describe('select', () => {
  leavesNoDescriptors()
  const { open, reopen } = closesEnds()

  it('gives a message that is there with its key, and takes nothing from the others', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<string>()
    await a.send(1)
    await b.send('two')
    const first = await select({ a: receiverA, b: receiverB })
    const second = await select({ a: receiverA, b: receiverB })
    expect([first, second]).to.have.deep.members([
      ['a', 1],
      ['b', 'two'],
    ])
    expect([receiverA.tryRecv(), receiverB.tryRecv()]).to.deep.equal([undefined, undefined])
  })

  it('waits for the first message of any; one that comes to another stays there', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    for (const round of range(20)) {
      const waiting = select({ a: receiverA, b: receiverB })
      await turn()
      const [one, other] = round % 2 === 0 ? [a, b] : [b, a]
      one.sendSync(round)
      other.sendSync(-round - 1)
      const [key, message] = await waiting
      const left = key === 'a' ? receiverB : receiverA
      expect([message, await left.recv()]).to.have.members([round, -round - 1])
    }
  })

  it('gives the keys their message types', async () => {
    const [a, receiverA] = open<{ a: number }>()
    const [, receiverB] = open<string>()
    await a.send({ a: 1 })
    const receivers = { a: receiverA, b: receiverB }
    const [key, message] = await select(receivers)
    if (key === 'a') {
      const number: number = message.a
      expect(number).to.equal(1)
    } else {
      const text: string = message
      expect.fail(text)
    }
    // @ts-expect-error a message of "b" is a string
    const wrong: Selected<typeof receivers> = ['b', 1]
    expect(wrong).to.have.lengthOf(2)
  })

  for (const coalesce of [true, false]) {
    it(`is fair to channels that are always ready, ${coalesce ? 'many' : 'one'} to a packet`, async () => {
      const channels = range(5).map(() => open<number>({ coalesce }))
      await Promise.all(channels.map(([sender]) => sender.sendAll(range(250))))
      const receivers = Object.fromEntries(channels.map(([, receiver], index) => [`c${index}`, receiver]))
      const keys: string[] = []
      while (keys.length < 1000) keys.push((await select(receivers))[0])
      for (const part of [keys.slice(0, 500), keys]) {
        for (const count of Object.values(tally(part))) expect(count / part.length).to.be.within(0.15, 0.25)
      }
    })
  }

  it('is fair although the program is busy', async () => {
    const [aux, auxReceiver] = open<number>()
    const channels = range(4).map(() => open<number>())
    await Promise.all(channels.map(([sender]) => sender.sendAll(range(500))))
    const receivers = Object.fromEntries(channels.map(([, receiver], index) => [`c${index}`, receiver]))
    const keys = [(await select(receivers))[0]]
    // So much in one turn of the event loop that reading more has to wait for the next.
    for (const index of range(50)) {
      aux.sendSync(index)
      await auxReceiver.recv()
    }
    spin(20)
    while (keys.length < 400) keys.push((await select(receivers))[0])
    expect(Object.keys(tally(keys))).to.have.lengthOf(4)
    for (const count of Object.values(tally(keys))) expect(count).to.be.within(60, 160)
  })

  it('keeps the order of each channel', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const sent = Promise.all([a.sendAll(range(2000)), b.sendAll(range(2000))])
    const next: Record<string, number> = { a: 0, b: 0 }
    for (const _ of range(4000)) {
      const [key, message] = await select({ a: receiverA, b: receiverB })
      expect(message).to.equal(next[key])
      next[key] = message + 1
    }
    await sent
  })

  it('gives long messages', async () => {
    const [a, receiverA] = open<string>()
    const [b, receiverB] = open<string>()
    const long = textOf(2_000_000)
    const sent = Promise.all([a.send(long), b.send('short')])
    const got = [await select({ a: receiverA, b: receiverB }), await select({ a: receiverA, b: receiverB })]
    expect(got.find(([key]) => key === 'a')?.[1] === long).to.equal(true)
    expect(got.find(([key]) => key === 'b')?.[1]).to.equal('short')
    await sent
  })

  it('passes over ended channels, and rejects when all have ended', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const receivers = { a: receiverA, b: receiverB }
    await a.send(1)
    a.close()
    expect(await select(receivers)).to.deep.equal(['a', 1])
    const waiting = select(receivers)
    await turn()
    await b.send(2)
    expect(await waiting).to.deep.equal(['b', 2])
    const last = select(receivers)
    b.close()
    await rejectsCode(last, 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(select(receivers), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('rejects with the key of a message that fails; the next arrives', async () => {
    const [a, receiverA] = open<number>()
    const [b, wholeB] = open<string>()
    const receivers = { a: receiverA, b: reopen(wholeB, { maxMessageBytes: 10 }) }
    await b.send(textOf(11))
    expect((await rejectsCode(select(receivers), 'ERR_WORMHOLE_TOO_LARGE')).key).to.equal('b')
    const waiting = select(receivers)
    await turn()
    await b.send(textOf(12))
    expect((await rejectsCode(waiting, 'ERR_WORMHOLE_TOO_LARGE')).key).to.equal('b')
    await b.send('next')
    expect(await select(receivers)).to.deep.equal(['b', 'next'])
    await a.send(1)
    expect(await select(receivers)).to.deep.equal(['a', 1])
  })

  it('may wait in the same channels twice: each message goes to one', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const receivers = { a: receiverA, b: receiverB }
    const selects = [select(receivers), select(receivers), select({ b: receiverB })]
    const received = receiverA.recv()
    await turn()
    for (const [sender, message] of [
      [a, 1],
      [b, 2],
      [b, 3],
      [a, 4],
    ] as const) {
      await sender.send(message)
      await turn()
    }
    expect(await Promise.all(selects)).to.deep.equal([
      ['a', 1],
      ['b', 2],
      ['b', 3],
    ])
    expect(await received).to.equal(4)
  })

  it('may be given one receiver under two keys', async () => {
    const [a, receiver] = open<number>()
    const waiting = select({ one: receiver, two: receiver })
    await turn()
    await a.sendAll([1, 2])
    expect((await waiting)[1]).to.equal(1)
    expect(await receiver.recv()).to.equal(2)
  })

  it('takes nothing once it is aborted, from any', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const abort = new AbortController()
    const waiting = reasonOf(select({ a: receiverA, b: receiverB }, { signal: abort.signal }))
    await turn()
    abort.abort(reason)
    expect(await waiting).to.equal(reason)
    await Promise.all([a.send(1), b.send(2)])
    expect([await receiverA.recv(), await receiverB.recv()]).to.deep.equal([1, 2])
  })

  it('reports a receiver that is closed, before and while it waits', async () => {
    const [, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const receivers = { a: receiverA, b: receiverB }
    const waiting = select(receivers)
    await turn()
    receiverA.close()
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    await rejectsCode(attempt(receivers), 'ERR_WORMHOLE_CLOSED')
    await b.send(1)
    expect(await receiverB.recv()).to.equal(1)
  })

  it('refuses what are no receivers', async () => {
    const [sender] = open<number>()
    await rejectsCode(attempt({}), 'ERR_WORMHOLE_ARGUMENT')
    await rejectsCode(attempt({ a: sender as unknown as Receiver<number> }), 'ERR_WORMHOLE_ARGUMENT')
  })
})
