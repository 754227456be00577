import { expect } from 'chai'
import { merge } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { range, textOf, turn } from '../helpers/fill.js'
import { tally } from '../helpers/tally.js'

describe('merge', () => {
  leavesNoDescriptors()
  const { open, reopen } = closesEnds()

  it('gives all messages with their keys, in the order of each, until all channels have ended', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const sending = Promise.all([a.sendAll(range(3000)), b.sendAll(range(500))]).then(() => {
      a.close()
      b.close()
    })
    const got: Record<string, number[]> = { a: [], b: [] }
    for await (const [key, message] of merge({ a: receiverA, b: receiverB })) got[key]?.push(message)
    expect(got).to.deep.equal({ a: range(3000), b: range(500) })
    await sending
    expect(await merge({ a: receiverA, b: receiverB }).next()).to.deep.equal({ done: true, value: undefined })
  })

  it('loses nothing when the loop is left, and goes on behind a message that fails', async () => {
    const [a, whole] = open<string>()
    const receivers = { a: reopen(whole, { maxMessageBytes: 10 }) }
    await a.sendAll(['1', '2', textOf(11), '3'])
    for await (const [, message] of merge(receivers)) {
      expect(message).to.equal('1')
      break
    }
    const steps = merge(receivers)
    expect((await steps.next()).value).to.deep.equal(['a', '2'])
    expect((await rejectsCode(steps.next(), 'ERR_WORMHOLE_TOO_LARGE')).key).to.equal('a')
    for await (const [, message] of merge(receivers)) {
      expect(message).to.equal('3')
      a.close()
    }
  })

  it('is fair', async () => {
    const channels = range(4).map(() => open<number>())
    await Promise.all(channels.map(([sender]) => sender.sendAll(range(2000))))
    const receivers = Object.fromEntries(channels.map(([, receiver], index) => [`c${index}`, receiver]))
    const keys: string[] = []
    for await (const [key] of merge(receivers)) if (keys.push(key) === 4000) break
    for (const count of Object.values(tally(keys))) expect(count).to.be.within(800, 1200)
  })

  it('lets the event loop come round while channels are always ready', async () => {
    const [a, receiverA] = open<number>()
    const [b, receiverB] = open<number>()
    const abort = new AbortController()
    let turns = 0
    const sending = [a, b].map((sender) => sender.sendAll(endless(), { signal: abort.signal }).catch(() => undefined))
    const count = () => {
      turns++
      if (turns < 5) setImmediate(count)
      else abort.abort()
    }
    setImmediate(count)
    const ended = Promise.all(sending).then(() => {
      for (const sender of [a, b]) sender.close()
    })
    let messages = 0
    for await (const _ of merge({ a: receiverA, b: receiverB })) messages++
    expect(messages).to.be.greaterThan(0)
    await ended
  })

  it('takes nothing once it was returned, although a step waits', async () => {
    const [a, receiverA] = open<number>()
    const steps = merge({ a: receiverA })
    const waiting = steps.next()
    await steps.return?.()
    expect(await waiting).to.deep.equal({ done: true, value: undefined })
    await a.send(1)
    expect(await receiverA.recv()).to.equal(1)
  })

  it('has no use for an end that was closed here', async () => {
    const [, receiverA] = open<number>()
    const [, receiverB] = open<number>()
    const step = merge({ a: receiverA, b: receiverB }).next()
    await turn()
    receiverB.close()
    await rejectsCode(step, 'ERR_WORMHOLE_CLOSED')
  })
})

function* endless(): Generator<number> {
  for (let index = 0; ; index++) yield index
}
