import { type Alone, alone, expectAlone } from '../helpers/alone.js'
import { chosen, LONG, MAX_MS, SEED, sized, tried } from '../helpers/long.js'
import { quietErrors } from '../helpers/quiet-errors.js'
import { Random } from '../helpers/random.js'
import { payload } from '../helpers/soup.js'
import { illFormed, wellFormed } from '../helpers/utf8.js'

/** Every byte that means something to JSON's structure, one that never does, and the two halves of é. */
const ALPHABET = Buffer.from([...Buffer.from('{[]}"\\,:1 '), 0x01, ...Buffer.from('é')])

/** Places of a frame at which a block of sixteen bytes ends, and those around. */
const BORDERS = [15, 16, 14, 13, 29, 30, 31, 32]

describe('hostile: frames of one packet, all of them', () => {
  quietErrors()
  const one = upTo(1)
  const two = upTo(2)
  const three = upTo(3)

  it('come out as alone: pairs of short frames', function () {
    this.timeout(MAX_MS)
    const count = LONG
      ? product([three, three]) + product([upTo(4), two]) + product([two, upTo(4)])
      : product([two, two])
    tried(count, 'pairs of frames')
  })

  it('come out as alone: three short frames', function () {
    this.timeout(MAX_MS)
    tried(LONG ? product([two, two, two]) : product([one, two, one]), 'threes of frames')
  })

  it('come out as alone: where a block ends outside a string and within one', function () {
    this.timeout(MAX_MS)
    let count = 0
    for (const border of chosen(2, BORDERS)) {
      for (const before of [' '.repeat(border), `"${'x'.repeat(border - 1)}`, `["${'\\\\'.repeat(border / 2)}`]) {
        count += product([(LONG ? three : two).map((part) => behind(before, part)), LONG ? two : one])
      }
    }
    tried(count, 'pairs of frames at the end of a block')
  })

  it('come out as alone: backslashes at the end of a block in both, where two mistakes would make up', function () {
    this.timeout(MAX_MS)
    const escaped: Alone[] = []
    for (const start of chosen(3, ['"', '","', '{"":"', '["', '",["'])) {
      for (const end of LONG ? [14, 15, 16, 17, 31, 32, 33] : [15, 16]) {
        for (const run of [1, 2, 3]) {
          const filling = 'x'.repeat(end - start.length - run)
          for (const tail of ['"', '"y"', '","', '"]', '"y"]', ',"', '"}']) {
            escaped.push(alone(Buffer.from(start + filling + '\\'.repeat(run) + tail)))
          }
        }
      }
    }
    tried(product([escaped, escaped]), 'pairs of frames with backslashes at the end of a block')
  })

  it('come out as alone: machine-made frames of all kinds in all company', function () {
    this.timeout(MAX_MS)
    const random = new Random(SEED)
    const pool = Array.from({ length: sized(2000, 50_000) }, () => alone(manyKinds(random)))
    const packets = sized(5000, 10_000_000)
    for (let round = 0; round < packets; round++) {
      const parts = Array.from({ length: 2 + random.below(3) }, () => random.pick(pool))
      expectAlone(parts, random.below(32))
    }
    tried(packets, 'packets of machine-made frames')
  })
})

/** Reads every sequence of frames with one of each list; how many there are. */
function product(lists: readonly (readonly Alone[])[]): number {
  let count = 0
  const parts: Alone[] = []
  const choose = (depth: number): void => {
    const list = lists[depth]
    if (list === undefined) {
      expectAlone(parts, count++ % 32)
      return
    }
    for (const part of list) {
      parts[depth] = part
      choose(depth + 1)
    }
  }
  choose(0)
  return count
}

/** Every frame of up to so many bytes of the alphabet. */
function upTo(length: number): Alone[] {
  const payloads = [Buffer.alloc(0)]
  for (let from = 0, round = 0; round < length; round++) {
    const to = payloads.length
    for (; from < to; from++) {
      for (const byte of ALPHABET) payloads.push(Buffer.concat([payloads[from] as Buffer, Buffer.of(byte)]))
    }
  }
  return payloads.map(alone)
}

/** The frame with bytes before its own. */
function behind(before: string, part: Alone): Alone {
  return alone(Buffer.concat([Buffer.from(before), part.payload]))
}

/** A frame that is JSON, nearly JSON or cut out of it, or text with well-formed and ill-formed bytes in any place. */
function manyKinds(random: Random): Buffer {
  if (!random.oneIn(3)) return payload(random)
  const pieces = Array.from({ length: random.below(8) }, () => {
    const kind = random.below(12)
    if (kind === 0) return random.pick(illFormed)
    if (kind < 5) return random.pick(wellFormed)
    return Buffer.from(random.pick(['"', '\\"', ',', '[', ']', '1', 'x'.repeat(random.below(33))]))
  })
  const bytes = Buffer.concat(pieces)
  return random.oneIn(4) ? bytes : Buffer.concat([Buffer.from('"'), bytes, Buffer.from('"')])
}
