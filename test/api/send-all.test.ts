import { Readable } from 'node:stream'
import { expect } from 'chai'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { range, textOf, turn, turns } from '../helpers/fill.js'
import { reasonOf } from '../helpers/reason.js'

/** What a count comes to once it no longer grows by itself. */
async function restingPlace(count: () => number): Promise<number> {
  for (;;) {
    const before = count()
    await turns()
    if (count() === before) return before
  }
}

const broken = new Error('the source broke')

function* sync<T>(values: Iterable<T>, fails = false): Generator<T> {
  yield* values
  if (fails) throw broken
}

async function* async<T>(values: Iterable<T>, fails = false): AsyncGenerator<T> {
  yield* values
  if (fails) throw broken
}

async function* slow<T>(values: Iterable<T>): AsyncGenerator<T> {
  for (const value of values) {
    await turn()
    yield value
  }
}

describe('sendAll', () => {
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  it('sends messages of every length around those where the way changes', async () => {
    const [sender, receiver] = open<string>()
    // Where a packet is full, where few messages no longer share one, and where one no longer surely fits.
    const edges = [32 * 1024, 60 * 1024, 64 * 1024, Math.floor(212_960 / 3), 212_960]
    const lengths = edges.flatMap((edge) => range(41).map((index) => edge - 20 + index))
    for (const fill of ['x', 'é', '界']) {
      const sent = sender.sendAll(lengths.map((length) => fill.repeat(length - 2)))
      for (const length of lengths) expect(await receiver.recv()).to.equal(fill.repeat(length - 2))
      expect(await sent).to.equal(lengths.length)
    }
  })

  const sources: [string, (values: number[]) => Iterable<number> | AsyncIterable<number>][] = [
    ['an array', (values) => values],
    ['a set', (values) => new Set(values)],
    ['a generator', sync],
    ['an async generator', async],
    ['an async generator that takes its time', slow],
    ['a stream', (values) => Readable.from(values)],
  ]
  for (const [name, make] of sources) {
    it(`sends every message of ${name} in order, and resolves to their number`, async () => {
      for (const coalesce of [true, false]) {
        const [sender, receiver] = open<number>({ coalesce })
        const values = range(3000)
        const received = collect(receiver)
        expect(await sender.sendAll(make(values))).to.equal(3000)
        expect(await sender.sendAll(make([]))).to.equal(0)
        sender.close()
        expect(await received).to.deep.equal(values)
        expect(sender.stats().messages).to.equal(3000)
      }
    })
  }

  it('sends the messages of a byte stream in order', async () => {
    const [sender, receiver] = openStream<[number, string]>()
    const messages = range(3000).map((index): [number, string] => [index, 'é'.repeat(index % 300)])
    const received = collect(receiver)
    expect(await sender.sendAll(messages)).to.equal(3000)
    sender.close()
    expect(await received).to.deep.equal(messages)
  })

  it('sends long messages among short ones', async () => {
    for (const make of [sync, async]) {
      const [sender, receiver] = open<string>()
      const messages = range(60).map((index) => textOf(index % 20 === 3 ? 400_000 : 10 + index, '€'))
      const received = collect(receiver)
      expect(await sender.sendAll(make(messages))).to.equal(60)
      sender.close()
      expect(await received).to.deep.equal(messages)
    }
  })

  it('comes after the sends before it', async () => {
    const [sender, receiver] = open<string>()
    void sender.send('first')
    await sender.sendAll(['second', 'third'])
    expect(await receiver.recv()).to.equal('first')
    expect(await receiver.recv()).to.equal('second')
  })

  const endless: [string, boolean, boolean][] = [
    ['an endless generator', false, true],
    ['an endless generator without coalescing', false, false],
    ['an endless async generator', true, true],
    ['an endless async generator without coalescing', true, false],
  ]
  for (const [name, isAsync, coalesce] of endless) {
    it(`asks ${name} for more only as the channel takes it`, async () => {
      const [sender, receiver] = open<number>({ coalesce })
      let produced = 0
      let closed = false
      function* numbers(): Generator<number> {
        try {
          for (;;) yield produced++
        } finally {
          closed = true
        }
      }
      const abort = new AbortController()
      const source = isAsync ? async(numbers()) : numbers()
      const outcome = reasonOf(sender.sendAll(source, { signal: abort.signal }))
      const whenFull = await restingPlace(() => produced)
      expect(whenFull).to.be.within(100, 100_000)
      for (const index of range(2 * whenFull)) expect(await receiver.recv()).to.equal(index)
      expect(await restingPlace(() => produced)).to.be.within(2 * whenFull, 2 * whenFull + 100_000)
      abort.abort(broken)
      expect(await outcome).to.equal(broken)
      await turn()
      expect(closed).to.equal(true)
      sender.close()
      const left = await collect(receiver)
      expect(left).to.deep.equal(range(left.length).map((index) => 2 * whenFull + index))
      expect(2 * whenFull + left.length).to.be.at.most(produced)
    })
  }

  for (const [name, make] of [
    ['an iterable', sync],
    ['an async iterable', async],
  ] as const) {
    it(`rejects with the error of ${name}; what came before it is sent`, async () => {
      for (const coalesce of [true, false]) {
        const [sender, receiver] = open<number>({ coalesce })
        const received = collect(receiver)
        expect(await reasonOf(sender.sendAll(make(range(2000), true)))).to.equal(broken)
        await sender.send(2000)
        sender.close()
        expect(await received).to.deep.equal(range(2001))
      }
    })

    it(`closes ${name} when a message cannot be sent`, async () => {
      const [sender, receiver] = open<unknown>()
      let closed = false
      function* messages(): Generator<unknown> {
        try {
          yield* [1, undefined, 2]
        } finally {
          closed = true
        }
      }
      await rejectsCode(sender.sendAll(make(messages())), 'ERR_WORMHOLE_UNSERIALIZABLE')
      await turn()
      expect(closed).to.equal(true)
      sender.close()
      expect(await collect(receiver)).to.deep.equal([1])
    })
  }

  it('rejects with ERR_WORMHOLE_DISCONNECTED when every receiving end is gone', async () => {
    for (const make of [sync, async]) {
      const [sender, receiver] = open<string>()
      const sending = sender.sendAll(make(range(1000).map(() => textOf(1000))))
      await turns()
      receiver.close()
      await rejectsCode(sending, 'ERR_WORMHOLE_DISCONNECTED')
    }
  })

  it('takes no message with a signal that has aborted', async () => {
    const [sender] = open<number>()
    let asked = false
    function* messages(): Generator<number> {
      asked = true
      yield 1
    }
    expect(await reasonOf(sender.sendAll(messages(), { signal: AbortSignal.abort(broken) }))).to.equal(broken)
    expect(asked).to.equal(false)
    expect(sender.stats().messages).to.equal(0)
  })

  it('sends nothing more of an iterable that fails once the signal has aborted, and rejects with its error', async () => {
    const failures: [string, () => unknown][] = [
      ['its own', () => sync([], true).next()],
      ["a message's", () => ({ toJSON: () => sync([], true).next() })],
    ]
    for (const coalesce of [true, false]) {
      for (const [whose, fail] of failures) {
        const [sender, receiver] = open<unknown>({ coalesce })
        const abort = new AbortController()
        function* messages(): Generator<unknown> {
          yield* ['unsent', 'either']
          abort.abort()
          yield fail()
        }
        const reason = (await reasonOf(sender.sendAll(messages(), { signal: abort.signal }))) as Error
        expect(reason.cause ?? reason, whose).to.equal(broken)
        expect(sender.stats().messages, whose).to.equal(0)
        await sender.send('next')
        expect(await receiver.recv()).to.equal('next')
      }
    }
  })

  it('gives an iterable up that never answers, when the signal aborts', async () => {
    const [sender, receiver] = open<number>()
    const abort = new AbortController()
    async function* silent(): AsyncGenerator<number> {
      yield 1
      await new Promise(() => undefined)
    }
    const outcome = reasonOf(sender.sendAll(silent(), { signal: abort.signal }))
    expect(await receiver.recv()).to.equal(1)
    abort.abort(broken)
    expect(await outcome).to.equal(broken)
    await sender.send(2)
    expect(await receiver.recv()).to.equal(2)
  })

  it('takes a string by its characters, and refuses what is no iterable', async () => {
    const [sender, receiver] = open<unknown>()
    expect(await sender.sendAll('a\u{1f30c}')).to.equal(2)
    for (const wrong of [5, null, undefined, {}]) {
      await rejectsCode(sender.sendAll(wrong as unknown as number[]), 'ERR_WORMHOLE_ARGUMENT')
    }
    sender.close()
    expect(await collect(receiver)).to.deep.equal(['a', '\u{1f30c}'])
    throwsCode(() => void sender.sendAll([]), 'ERR_WORMHOLE_CLOSED')
  })
})
