import { expect } from 'chai'
import { Batch } from '#lib/receive/batch'
import { inbox, readFrames } from '#lib/wire/inbox'
import { Partial } from '#lib/wire/reassembly'
import { memoryBytes, view, wasm } from '#lib/wire/wasm'
import { startNode } from './helpers/child.js'
import { Random } from './helpers/random.js'
import { frame } from './helpers/reference-framer.js'

const FIRST = wasm.PARTIAL_BYTES.value

/** Bytes that are different at each place and in each round. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8)) & 0xff
  return bytes
}

function begin(bytes: Uint8Array): Partial {
  view.set(bytes, inbox)
  return new Partial(inbox, bytes.length)
}

/** Writes `bytes` behind what is there, as far as there is room; how many were written. */
function fill(partial: Partial, bytes: Uint8Array): number {
  const piece = bytes.subarray(0, partial.room)
  view.set(piece, partial.tail)
  partial.append(piece.length)
  return piece.length
}

function expectHeld(partial: Partial, expected: Uint8Array): void {
  expect(partial.length).to.equal(expected.length)
  const same = view.subarray(partial.at, partial.at + partial.length).equals(expected)
  expect(same, `the ${expected.length} bytes that came`).to.equal(true)
}

describe('framing: the memory of a frame that is not all there', () => {
  const kept: Partial[] = []
  const keep = (partial: Partial): Partial => {
    kept.push(partial)
    return partial
  }

  afterEach(() => {
    for (const partial of kept.splice(0)) partial.free()
  })

  for (const length of [0, 1, 8, FIRST - 1, FIRST, FIRST + 1, 3 * FIRST + 5]) {
    it(`begins with a copy of ${length} bytes that have come`, () => {
      const bytes = pattern(length)
      const partial = keep(begin(bytes))
      view.fill(0xee, inbox, inbox + length)
      expectHeld(partial, bytes)
      expect(partial.room).to.equal(Math.max(FIRST - length, 0))
      expect(partial.tail).to.equal(partial.at + length)
    })
  }

  for (const limit of [FIRST + 1, 2 * FIRST, 2 * FIRST + 1, 1_000_003, 8 * FIRST]) {
    it(`doubles until it has room for ${limit} bytes, never for more, and keeps what came`, () => {
      const bytes = pattern(limit + 100)
      const partial = keep(begin(bytes.subarray(0, 8)))
      let capacity = partial.length + partial.room
      while (partial.reserve(limit)) {
        const grown = partial.length + partial.room
        expect(grown).to.be.oneOf([capacity, Math.min(2 * capacity, limit)])
        capacity = grown
        expectHeld(partial, bytes.subarray(0, partial.length))
        expect(fill(partial, bytes.subarray(partial.length)), 'room after a reserve').to.be.greaterThan(0)
      }
      expectHeld(partial, bytes.subarray(0, limit))
      expect(partial.room).to.equal(0)
      expect(partial.reserve(limit)).to.equal(false)
      expect(partial.reserve(limit + 1)).to.equal(true)
      expectHeld(partial, bytes.subarray(0, limit))
    })
  }

  it('stays where it is while it has room', () => {
    const partial = keep(begin(pattern(100)))
    const { at, room } = partial
    expect(partial.reserve(2 ** 20)).to.equal(true)
    expect([partial.at, partial.room]).to.deep.equal([at, room])
  })

  it('has no room for more than a limit that is reached already', () => {
    const partial = keep(begin(pattern(FIRST)))
    for (const limit of [0, 1, FIRST - 1, FIRST]) expect(partial.reserve(limit)).to.equal(false)
    expectHeld(partial, pattern(FIRST))
  })

  it('drops what has been read, and keeps the rest', () => {
    const random = new Random(6)
    const bytes = pattern(2 * FIRST)
    const partial = keep(begin(bytes.subarray(0, FIRST)))
    let [from, to] = [0, FIRST]
    while (to < bytes.length || from < to) {
      const count = Math.min(random.below(9000), to - from)
      partial.consume(count)
      from += count
      expectHeld(partial, bytes.subarray(from, to))
      to += fill(partial, bytes.subarray(to, to + random.below(9000)))
    }
    expect(partial.length).to.equal(0)
  })

  it('neither appends past its room nor drops more than it has', () => {
    const partial = keep(begin(pattern(10)))
    partial.append(2 ** 31 - 1)
    expect([partial.length, partial.room]).to.deep.equal([FIRST, 0])
    partial.consume(2 ** 31 - 1)
    expect([partial.length, partial.room]).to.deep.equal([0, FIRST])
  })

  it('leaves the bytes of others alone', () => {
    const partials = Array.from({ length: 8 }, (_, index) => keep(begin(Buffer.alloc(8, index))))
    const wanted = 5 * FIRST
    for (let growing = true; growing; ) {
      growing = false
      for (const [index, partial] of partials.entries()) {
        if (partial.length === wanted || !partial.reserve(wanted)) continue
        fill(partial, Buffer.alloc(1 + 7000 * (index + 1), index))
        growing = true
      }
    }
    for (const [index, partial] of partials.entries()) expectHeld(partial, Buffer.alloc(wanted, index))
  })

  it('reads frames at its very end', () => {
    const payload = JSON.stringify('é'.repeat(FIRST / 2 - 6))
    const bytes = Buffer.concat([frame('1'), frame(payload)])
    const partial = keep(begin(bytes.subarray(0, 10)))
    while (partial.length < bytes.length && partial.reserve(bytes.length)) fill(partial, bytes.subarray(partial.length))
    expect(partial.room).to.equal(0)
    const batch = new Batch()
    expect(readFrames(partial.at, partial.length, 2 ** 29, batch).complete).to.equal(true)
    expect(batch.takeAll()).to.deep.equal([1, JSON.parse(payload)])
  })

  it('takes no more memory the thousandth time than the first', () => {
    const bytes = pattern(12 * FIRST)
    let after = 0
    for (let round = 0; round < 1000; round++) {
      const partial = begin(bytes.subarray(0, 1))
      while (partial.length < bytes.length && partial.reserve(bytes.length))
        fill(partial, bytes.subarray(partial.length))
      partial.free()
      if (round === 0) after = memoryBytes()
    }
    expect(memoryBytes()).to.equal(after)
  })

  it('can be freed twice', () => {
    const partial = begin(pattern(10))
    partial.free()
    partial.free()
    const [first, second] = [keep(begin(pattern(10))), keep(begin(pattern(10)))]
    expect(first.at).not.to.equal(second.at)
  })

  it('gives pages back to the system once big messages have grown the memory', () => {
    const limit = 64 * 2 ** 20
    const partial = begin(pattern(8))
    const blocks: [middle: number, length: number][] = []
    const note = (): void => {
      if (partial.length >= 2 ** 20) blocks.push([partial.at + partial.length / 2, partial.length])
    }
    while (partial.reserve(limit)) {
      view.fill(0xaa, partial.tail, partial.tail + partial.room)
      partial.append(partial.room)
      note()
    }
    expect(memoryBytes()).to.be.greaterThan(32 * 2 ** 20)
    partial.free()
    const whole = blocks.at(-1)
    expect(whole?.[1]).to.equal(limit)
    // Pages that were given back read as zeros.
    expect(view.readBigUInt64LE(whole?.[0])).to.equal(0n)
  })

  it('works beyond 2 GiB, and fails a message alone when the memory is at its end', async () => {
    const { ended } = startNode('full-memory')
    const { code, stdout, stderr } = await ended
    expect(stderr).to.equal('')
    const messages = [1, ['é', 'two'], 3]
    expect(JSON.parse(stdout)).to.deep.equal({
      beyond: true,
      growing: 'ERR_WORMHOLE_TOO_LARGE',
      beginning: 'ERR_WORMHOLE_TOO_LARGE',
      receiving: 'ERR_WORMHOLE_TOO_LARGE',
      next: 'next',
      kept: { last: 0x55, messages },
      again: { messages, grows: true },
    })
    expect(code).to.equal(0)
  })
})
