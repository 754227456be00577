import { expect } from 'chai'
import type { Sender } from 'wormhole-ipc'
import { playsBodies } from '../helpers/bodies.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { fill, range, turn, turns } from '../helpers/fill.js'
import { reasonOf } from '../helpers/reason.js'

const broken = new Error('the source broke')
/** A promise of another library: nothing but its shape tells. */
class Thenable<T> {
  constructor(readonly value: T) {}

  // biome-ignore lint/suspicious/noThenProperty: it is one
  then(resolve: (value: T) => void): void {
    if (this.value !== undefined) resolve(this.value)
  }
}

/** An iterator that counts its calls. */
function counting(next: (index: number) => unknown, end?: () => unknown) {
  const calls = { next: 0, return: 0 }
  const iterator = {
    next: () => next(calls.next++),
    return: () => {
      calls.return++
      return end?.() ?? { done: true }
    },
  }
  return { calls, sync: { [Symbol.iterator]: () => iterator }, async: { [Symbol.asyncIterator]: () => iterator } }
}

describe("what the caller's own code does in sendAll", () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  const plays = playsBodies()

  const sources = [
    ['a generator', 'function* () { yield 1; throw new Error("mine") }'],
    ['an async generator', 'async function* () { yield 1; throw new Error("mine") }'],
    ['a generator that throws at once', 'function* () { throw new Error("mine") }'],
    ['an iterable without an iterator', '() => ({ [Symbol.iterator]() { throw new Error("mine") } })'],
    [
      'an iterator whose next() rejects',
      '() => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error("mine")) }) })',
    ],
  ] as const
  for (const [name, source] of sources) {
    const unseen = plays(`sender.sendAll((${source})())`)
    const flushed = plays(`
      sender.sendAll((${source})())
      await sender.flush().catch((error) => console.log('flush', error.message))`)
    const unseenFlush = plays(`sender.sendAll((${source})()); void sender.flush()`)
    const seen = plays(`await sender.sendAll((${source})()).catch((error) => console.log('seen', error.message))`)

    it(`is an unhandled rejection where it throws and nobody looks (${name})`, () => {
      expect(unseen()).to.deep.equal(['unhandled mine'])
    })

    it(`makes flush() reject, which is told of once (${name})`, () => {
      expect(flushed()).to.deep.equal(['flush mine'])
      expect(unseenFlush()).to.deep.equal(['unhandled mine'])
      expect(seen()).to.deep.equal(['seen mine'])
    })
  }

  const unserializable = plays('sender.sendAll([1, { toJSON() { throw new Error("mine") } }])')
  it('is an unhandled rejection where it gives what JSON cannot carry, as send() throws it', () => {
    expect(unserializable().join('\n')).to.match(/^unhandled .*mine$/)
  })

  const told = (
    [
      ['iterator', 'throw new Error("mine")'],
      ['asyncIterator', 'throw new Error("mine")'],
      ['asyncIterator', 'return Promise.reject(new Error("mine"))'],
    ] as const
  ).map(([kind, ending]) =>
    plays(`
      const aborting = new AbortController()
      while (sender.trySend(1));
      const source = { [Symbol.${kind}]: () => ({ next: () => ({ done: false, value: 1 }), return() { ${ending} } }) }
      const sent = sender.sendAll(source, { signal: aborting.signal })
      aborting.abort(new Error('stopped'))
      await sent.catch((error) => console.log(error.message))`)
  )
  it('is an unhandled rejection where it throws as it is told to end', () => {
    for (const said of told) expect([...said()].sort()).to.deep.equal(['stopped', 'unhandled mine'])
  })

  const repeating = plays(`
    const { on, EventEmitter } = await import('node:events')
    const aborting = new AbortController()
    const { signal } = aborting
    const sent = sender.sendAll(on(new EventEmitter(), 'x', { signal }), { signal })
    setTimeout(() => aborting.abort(), 10)
    await sent.catch((error) => console.log(error.name))
    await sender.flush()`)
  it('stays quiet where it only repeats that the signal has aborted', () => {
    expect(repeating()).to.deep.equal(['AbortError'])
  })

  for (const kind of ['sync', 'async'] as const) {
    for (const coalesce of [true, false]) {
      const way = `${kind}, coalesce: ${coalesce}`

      it(`is not told to end once next() has thrown or given what is no object (${way})`, async () => {
        const [sender] = open<unknown>({ coalesce })
        const thrower = counting(() => {
          throw broken
        })
        expect(await reasonOf(sender.sendAll(thrower[kind] as Iterable<unknown>))).to.equal(broken)
        expect(thrower.calls).to.deep.equal({ next: 1, return: 0 })
        for (const odd of [5, null, undefined, 'done', Symbol.iterator]) {
          const source = counting(() => odd)
          expect(await reasonOf(sender.sendAll(source[kind] as Iterable<unknown>))).to.include({
            code: 'ERR_WORMHOLE_ARGUMENT',
          })
          expect(source.calls).to.deep.equal({ next: 1, return: 0 })
        }
        const ended = counting((index) => ({ done: index === 3, value: index }))
        expect(await sender.sendAll(ended[kind] as Iterable<unknown>)).to.equal(3)
        expect(ended.calls).to.deep.equal({ next: 4, return: 0 })
      })

      it(`is told to end once where it is left early (${way})`, async () => {
        const endless = () => counting((index) => ({ done: false, value: index }))
        const [sender, receiver] = open<unknown>({ coalesce })
        const aborting = new AbortController()
        const aborted = endless()
        const sent = reasonOf(sender.sendAll(aborted[kind] as Iterable<unknown>, { signal: aborting.signal }))
        await turns()
        aborting.abort(broken)
        expect(await sent).to.equal(broken)
        expect(aborted.calls.return).to.equal(1)
        const refused = counting((index) => ({ done: false, value: index === 2 ? undefined : index }))
        while (receiver.tryRecv() !== undefined);
        expect(await reasonOf(sender.sendAll(refused[kind] as Iterable<unknown>))).to.include({
          code: 'ERR_WORMHOLE_UNSERIALIZABLE',
        })
        expect(refused.calls).to.deep.equal({ next: 3, return: 1 })
        const lost = endless()
        const losing = reasonOf(sender.sendAll(lost[kind] as Iterable<unknown>))
        await turns()
        receiver.close()
        expect(await losing).to.include({ code: 'ERR_WORMHOLE_DISCONNECTED' })
        expect(lost.calls.return).to.equal(1)
      })

      it(`may close the sender: what it yields is sent all the same (${way})`, async () => {
        const [sender, receiver] = open<number>({ coalesce })
        const source = counting((index) => {
          if (index === 2) sender.close()
          return { done: index === 5, value: index }
        })
        const sent = sender.sendAll(source[kind] as Iterable<number>)
        expect(await sent).to.equal(5)
        expect(await collect(receiver)).to.deep.equal(range(5))
      })

      it(`may abort its own signal, on a full channel too (${way})`, async () => {
        for (const full of [false, true]) {
          const [sender, receiver] = open<number>({ coalesce })
          const there = full ? fill(sender, (index) => index) : 0
          const aborting = new AbortController()
          const source = counting((index) => {
            if (index === 1) aborting.abort(broken)
            return { done: false, value: index }
          })
          expect(
            await reasonOf(sender.sendAll(source[kind] as Iterable<number>, { signal: aborting.signal }))
          ).to.equal(broken)
          expect(source.calls.return).to.equal(1)
          sender.close()
          expect((await collect(receiver)).length).to.be.within(there, there + 1)
        }
      })
    }
  }

  it('is asked for its `next` once, as for...of does, and with its own `this`', async () => {
    const [sender, receiver] = open<number>()
    for (const key of [Symbol.iterator, Symbol.asyncIterator]) {
      let asked = 0
      let index = 0
      const iterator = {
        get next() {
          asked++
          return function (this: unknown) {
            return { done: this !== iterator || index === 3, value: index++ }
          }
        },
      }
      expect(await sender.sendAll({ [key]: () => iterator } as unknown as Iterable<number>)).to.equal(3)
      expect(asked).to.equal(1)
      for (const each of range(3)) expect(await receiver.recv()).to.equal(each)
    }
  })

  it('may answer with thenables of any kind', async () => {
    const [sender, receiver] = open<number>()
    const source = counting((index) => new Thenable({ done: index === 3, value: index }))
    expect(await sender.sendAll(source.async as unknown as AsyncIterable<number>)).to.equal(3)
    sender.close()
    expect(await collect(receiver)).to.deep.equal(range(3))
  })

  it('may never answer: an abort and the end of the channel settle all the same', async () => {
    for (const never of [new Promise(() => undefined), new Thenable(undefined)]) {
      const stops: ((sender: Sender<unknown>, receiver: Disposable, aborting: AbortController) => void)[] = [
        (_sender, _receiver, aborting) => aborting.abort(broken),
        (_sender, receiver) => receiver[Symbol.dispose](),
      ]
      for (const stop of stops) {
        const [sender, receiver] = open<unknown>()
        const aborting = new AbortController()
        const source = counting(() => never)
        const sent = reasonOf(sender.sendAll(source.async as AsyncIterable<unknown>, { signal: aborting.signal }))
        await turn()
        stop(sender, receiver, aborting)
        expect(await sent).to.be.an('error')
        expect(source.calls).to.deep.equal({ next: 1, return: 1 })
      }
    }
  })
})
