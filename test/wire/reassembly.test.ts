import { expect } from 'chai'
import { memoryBytes, view } from '#lib/os/memory'
import { Batch } from '#lib/receive/batch'
import { inbox, readFrames } from '#lib/wire/inbox'
import { Reassembly } from '#lib/wire/reassembly'
import { wasm } from '#lib/wire/wasm'
import { startNode } from '../helpers/child.js'
import { Random } from '../helpers/random.js'
import { frame } from '../helpers/reference-framer.js'

const FIRST = wasm.REASSEMBLY_BYTES.value

/** Bytes that are different at each place and in each round. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let index = 0; index < length; index++) bytes[index] = (index * 31 + (index >> 8)) & 0xff
  return bytes
}

function begin(bytes: Uint8Array): Reassembly {
  view.set(bytes, inbox)
  return new Reassembly(inbox, bytes.length)
}

/** Writes `bytes` behind what is there, as far as there is room; how many were written. */
function fill(reassembly: Reassembly, bytes: Uint8Array): number {
  const piece = bytes.subarray(0, reassembly.room)
  view.set(piece, reassembly.tail)
  reassembly.append(piece.length)
  return piece.length
}

function expectHeld(reassembly: Reassembly, expected: Uint8Array): void {
  expect(reassembly.length).to.equal(expected.length)
  const same = view.subarray(reassembly.at, reassembly.at + reassembly.length).equals(expected)
  expect(same, `the ${expected.length} bytes that came`).to.equal(true)
}

describe('framing: the memory of a frame that is not all there', () => {
  const kept: Reassembly[] = []
  const keep = (reassembly: Reassembly): Reassembly => {
    kept.push(reassembly)
    return reassembly
  }

  afterEach(() => {
    for (const reassembly of kept.splice(0)) reassembly.free()
  })

  for (const length of [0, 1, 8, FIRST - 1, FIRST, FIRST + 1, 3 * FIRST + 5]) {
    it(`begins with a copy of ${length} bytes that have come`, () => {
      const bytes = pattern(length)
      const reassembly = keep(begin(bytes))
      view.fill(0xee, inbox, inbox + length)
      expectHeld(reassembly, bytes)
      expect(reassembly.room).to.equal(Math.max(FIRST - length, 0))
      expect(reassembly.tail).to.equal(reassembly.at + length)
    })
  }

  for (const limit of [FIRST + 1, 2 * FIRST, 2 * FIRST + 1, 1_000_003, 8 * FIRST]) {
    it(`doubles until it has room for ${limit} bytes, never for more, and keeps what came`, () => {
      const bytes = pattern(limit + 100)
      const reassembly = keep(begin(bytes.subarray(0, 8)))
      let capacity = reassembly.length + reassembly.room
      while (reassembly.reserve(limit)) {
        const grown = reassembly.length + reassembly.room
        expect(grown).to.be.oneOf([capacity, Math.min(2 * capacity, limit)])
        capacity = grown
        expectHeld(reassembly, bytes.subarray(0, reassembly.length))
        expect(fill(reassembly, bytes.subarray(reassembly.length)), 'room after a reserve').to.be.greaterThan(0)
      }
      expectHeld(reassembly, bytes.subarray(0, limit))
      expect(reassembly.room).to.equal(0)
      expect(reassembly.reserve(limit)).to.equal(false)
      expect(reassembly.reserve(limit + 1)).to.equal(true)
      expectHeld(reassembly, bytes.subarray(0, limit))
    })
  }

  it('stays where it is while it has room', () => {
    const reassembly = keep(begin(pattern(100)))
    const { at, room } = reassembly
    expect(reassembly.reserve(2 ** 20)).to.equal(true)
    expect([reassembly.at, reassembly.room]).to.deep.equal([at, room])
  })

  it('has no room for more than a limit that is reached already', () => {
    const reassembly = keep(begin(pattern(FIRST)))
    for (const limit of [0, 1, FIRST - 1, FIRST]) expect(reassembly.reserve(limit)).to.equal(false)
    expectHeld(reassembly, pattern(FIRST))
  })

  it('drops what has been read, and keeps the rest', () => {
    const random = new Random(6)
    const bytes = pattern(2 * FIRST)
    const reassembly = keep(begin(bytes.subarray(0, FIRST)))
    let [from, to] = [0, FIRST]
    while (to < bytes.length || from < to) {
      const count = Math.min(random.below(9000), to - from)
      reassembly.consume(count)
      from += count
      expectHeld(reassembly, bytes.subarray(from, to))
      to += fill(reassembly, bytes.subarray(to, to + random.below(9000)))
    }
    expect(reassembly.length).to.equal(0)
  })

  it('neither appends past its room nor drops more than it has', () => {
    const reassembly = keep(begin(pattern(10)))
    reassembly.append(2 ** 31 - 1)
    expect([reassembly.length, reassembly.room]).to.deep.equal([FIRST, 0])
    reassembly.consume(2 ** 31 - 1)
    expect([reassembly.length, reassembly.room]).to.deep.equal([0, FIRST])
  })

  it('leaves the bytes of others alone', () => {
    const reassemblies = Array.from({ length: 8 }, (_, index) => keep(begin(Buffer.alloc(8, index))))
    const wanted = 5 * FIRST
    for (let growing = true; growing; ) {
      growing = false
      for (const [index, reassembly] of reassemblies.entries()) {
        if (reassembly.length === wanted || !reassembly.reserve(wanted)) continue
        fill(reassembly, Buffer.alloc(1 + 7000 * (index + 1), index))
        growing = true
      }
    }
    for (const [index, reassembly] of reassemblies.entries()) expectHeld(reassembly, Buffer.alloc(wanted, index))
  })

  it('reads frames at its very end', () => {
    const payload = JSON.stringify('é'.repeat(FIRST / 2 - 6))
    const bytes = Buffer.concat([frame('1'), frame(payload)])
    const reassembly = keep(begin(bytes.subarray(0, 10)))
    while (reassembly.length < bytes.length && reassembly.reserve(bytes.length))
      fill(reassembly, bytes.subarray(reassembly.length))
    expect(reassembly.room).to.equal(0)
    const batch = new Batch()
    expect(readFrames(reassembly.at, reassembly.length, 2 ** 29, batch).complete).to.equal(true)
    expect(batch.takeAll()).to.deep.equal([1, JSON.parse(payload)])
  })

  it('takes no more memory the thousandth time than the first', () => {
    const bytes = pattern(12 * FIRST)
    let after = 0
    for (let round = 0; round < 1000; round++) {
      const reassembly = begin(bytes.subarray(0, 1))
      while (reassembly.length < bytes.length && reassembly.reserve(bytes.length))
        fill(reassembly, bytes.subarray(reassembly.length))
      reassembly.free()
      if (round === 0) after = memoryBytes()
    }
    expect(memoryBytes()).to.equal(after)
  })

  it('can be freed twice', () => {
    const reassembly = begin(pattern(10))
    reassembly.free()
    reassembly.free()
    const [first, second] = [keep(begin(pattern(10))), keep(begin(pattern(10)))]
    expect(first.at).not.to.equal(second.at)
  })

  it('gives pages back to the system once big messages have grown the memory', () => {
    const limit = 64 * 2 ** 20
    const reassembly = begin(pattern(8))
    const blocks: [middle: number, length: number][] = []
    const note = (): void => {
      if (reassembly.length >= 2 ** 20) blocks.push([reassembly.at + reassembly.length / 2, reassembly.length])
    }
    while (reassembly.reserve(limit)) {
      view.fill(0xaa, reassembly.tail, reassembly.tail + reassembly.room)
      reassembly.append(reassembly.room)
      note()
    }
    expect(memoryBytes()).to.be.greaterThan(32 * 2 ** 20)
    reassembly.free()
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
