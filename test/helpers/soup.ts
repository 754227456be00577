import type { Random } from './random.js'
import { frame } from './reference-framer.js'

// Packets that are JSON, nearly JSON, or JSON only when frames are run together. What matters to a reader of sixteen
// bytes at a time is put in every place of a block.

const STRUCTURE = ['[', ']', '{', '}', ',', ':', '"', '\\']
const SCALARS = ['0', '-0', '1.5e3', 'true', 'null', '""', '"a"', '"é"', '"\u{1f600}"', '"\\ud800"', '"]},"']
const SPACES = ['', ' ', '\n', '\t\r ']
const PIECES = [...STRUCTURE, ...STRUCTURE, ...SCALARS, ' ', '\\"', '\\\\', '"k":', '1', 'é', '\u{1f600}', '\ufeff']

/** One packet's frames in a row. */
export function packet(random: Random): Buffer {
  if (random.oneIn(3)) return cutUp(random)
  const frames: Buffer[] = []
  for (let count = 1 + random.below(4); count > 0; count--) frames.push(frame(payload(random)))
  return Buffer.concat(frames)
}

/** One frame's payload. */
export function payload(random: Random): Buffer {
  if (random.oneIn(10)) return Buffer.from(soup(random))
  const bytes = Buffer.from(padding(random) + json(random, 3))
  return random.oneIn(6) ? mutated(random, bytes) : bytes
}

/** The text of two values, cut anywhere into a few frames: each part alone is rarely JSON. */
function cutUp(random: Random): Buffer {
  let rest = Buffer.from(`${padding(random)}${json(random, 4)},${json(random, 3)}`)
  const frames: Buffer[] = []
  for (let cuts = 1 + random.below(3); cuts > 0; cuts--) {
    const mark = rest.indexOf(random.pick(STRUCTURE), random.below(rest.length + 1))
    const to = mark >= 0 && random.oneIn(2) ? mark + random.below(2) : random.below(rest.length + 1)
    frames.push(frame(rest.subarray(0, to)))
    rest = rest.subarray(to)
  }
  return Buffer.concat([...frames, frame(rest)])
}

function soup(random: Random): string {
  let text = ''
  for (let count = random.below(20); count > 0; count--) text += random.pick(PIECES)
  return text
}

/** Moves what follows to another place within its block of sixteen. */
function padding(random: Random): string {
  return random.oneIn(2) ? ' '.repeat(random.below(17)) : ''
}

function json(random: Random, depth: number): string {
  const space = random.pick(SPACES)
  switch (depth > 0 ? random.below(5) : random.below(2)) {
    case 0:
      return space + random.pick(SCALARS)
    case 1:
      return space + string(random)
    case 2:
    case 3: {
      const items: string[] = []
      for (let count = random.below(4); count > 0; count--) items.push(json(random, depth - 1))
      return `${space}[${items.join(',')}${space}]`
    }
    default: {
      const members: string[] = []
      for (let count = random.below(4); count > 0; count--) {
        members.push(`${string(random)}:${json(random, depth - 1)}`)
      }
      return `{${members.join(`,${space}`)}}${space}`
    }
  }
}

/** Runs of backslashes and quotes among filling, so that they meet the ends of blocks. */
function string(random: Random): string {
  let text = 'x'.repeat(random.below(18))
  for (let count = random.below(4); count > 0; count--) {
    text += '\\\\'.repeat(random.below(4)) + random.pick(['\\"', '\\n', ',', ']', '[', '{', '}', ':', 'é', '\\u0041'])
  }
  return `"${text}"`
}

/** A byte more, a byte less, or another byte. */
function mutated(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length + 1)
  const piece = random.oneIn(8) ? Buffer.of(128 + random.below(128)) : Buffer.from(random.pick(PIECES))
  const behind = at + random.below(3)
  return Buffer.concat([bytes.subarray(0, at), random.oneIn(3) ? Buffer.alloc(0) : piece, bytes.subarray(behind)])
}
