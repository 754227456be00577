import { expect } from 'chai'
import { expectTypeOf } from 'expect-type'
import type { Jsonify, JsonValue } from 'type-fest'
import { type OwnedFd, Receiver } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'

/** What JSON makes something else of. */
interface Visit {
  at: Date
  page: URL
  tags: string[]
  referrer?: string | undefined
  seen: Map<string, number>
  position: [x: number, y: number]
  reload(): void
}

const visit: Visit = {
  at: new Date(0),
  page: new URL('http://localhost/a'),
  tags: ['a'],
  referrer: undefined,
  seen: new Map([['a', 1]]),
  position: [1, 2],
  reload() {},
}

describe('the type of what arrives, which is what arrives', () => {
  leavesNoDescriptors()
  const { open, reopen } = closesEnds()

  it('is a string where a Date was sent', async () => {
    const [sender, receiver] = open<Date>()
    void sender.send(new Date(0))
    const message = await receiver.recv()
    expectTypeOf(message).toEqualTypeOf<string>()
    expect(message).to.equal(new Date(0).toISOString())
  })

  it('has the strings of objects with a toJSON method, and no methods', async () => {
    const [sender, receiver] = open<Visit>()
    expectTypeOf(sender.send).parameter(0).toEqualTypeOf<Visit>()
    void sender.send(visit)
    const message = await receiver.recv()
    expectTypeOf(message).toEqualTypeOf<Jsonify<Visit>>()
    expectTypeOf(message.at).toEqualTypeOf<string>()
    expectTypeOf(message.page).toEqualTypeOf<string>()
    expectTypeOf(message.tags).toEqualTypeOf<string[]>()
    expectTypeOf(message.referrer).toEqualTypeOf<string | undefined>()
    expectTypeOf(message.position).toEqualTypeOf<[number, number]>()
    expectTypeOf(message).not.toHaveProperty('reload')
    expect(message).to.deep.equal({
      at: visit.at.toJSON(),
      page: visit.page.href,
      tags: ['a'],
      seen: {},
      position: [1, 2],
    })
  })

  it('is the same of every way of receiving', async () => {
    const [sender, receiver] = open<Date>()
    await sender.sendAll([1, 2, 3, 4, 5, 6, 7].map((time) => new Date(time)))

    const tried = receiver.tryRecv()
    expectTypeOf(tried).toEqualTypeOf<string | undefined>()
    const waited = receiver.recvSync()
    expectTypeOf(waited).toEqualTypeOf<string>()
    const [message, fds] = await receiver.recvWithFds()
    expectTypeOf(message).toEqualTypeOf<string>()
    expectTypeOf(fds).toEqualTypeOf<OwnedFd[]>()
    const [blocking] = receiver.recvWithFdsSync()
    expectTypeOf(blocking).toEqualTypeOf<string>()
    const all: unknown[] = [tried, waited, message, blocking]
    for await (const next of receiver) {
      expectTypeOf(next).toEqualTypeOf<string>()
      all.push(next)
      break
    }
    for await (const batch of receiver.batches()) {
      expectTypeOf(batch).toEqualTypeOf<string[]>()
      all.push(...batch)
      break
    }
    expect(all).to.deep.equal([1, 2, 3, 4, 5, 6, 7].map((time) => new Date(time).toJSON()))
  })

  it('is what JSON can carry where nobody said more', async () => {
    const [sender, untyped] = open()
    expectTypeOf(Receiver.fromFd).returns.toEqualTypeOf<Receiver<unknown>>()
    void sender.send({ a: 1 })
    const message = await reopen(untyped, {}).recv()
    expectTypeOf(message).toEqualTypeOf<JsonValue>()
    expect(message).to.deep.equal({ a: 1 })
  })

  it('refuses to be sent as something else', async () => {
    const [sender, receiver] = open<{ n: number }>()
    // @ts-expect-error a string is not a number
    void sender.send({ n: 'one' })
    // @ts-expect-error nor is it in a list
    void sender.sendAll([{ n: 1 }, { n: 'two' }])
    // What the types refuse, a program without them can do all the same.
    expect([await receiver.recv(), await receiver.recv(), await receiver.recv()]).to.deep.equal([
      { n: 'one' },
      { n: 1 },
      { n: 'two' },
    ])
  })
})
