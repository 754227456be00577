import { crc32 } from 'node:zlib'
import { OUTBOX_BYTES } from '#lib/wire/outbox'
import { Random } from '../helpers/random.js'

/** What a sender sends: all but `inodes` follows from who sends it and its number, so that the ledger knows what it was. */
export interface Message {
  from: number
  number: number
  /** The inode of each descriptor that came along. */
  inodes?: number[]
  body: string
  check: number
}

/** What some of a lane's messages are. */
export interface Shape {
  /** One in so many is longer than a packet; 0: none. */
  longEvery: number
  /** One in so many brings descriptors; 0: none. */
  fdsEvery: number
}

const MAX_FDS = 3
/** Up to more than a side stream's buffer takes: then the payload is under way while things happen. */
const LONG_SPREAD = 700_000
/** The longest body, in units of text. */
const LONGEST_UNITS = OUTBOX_BYTES + LONG_SPREAD
const MEDIUM_EVERY = 64
const MEDIUM_UNITS = 30_000
const SHORT_UNITS = 120

/** A prime: pieces of a body that a power of two apart would trade places never look the same. */
const PERIOD = 4099

/** Text to cut bodies from: plain, and with all that JSON and UTF-8 make longer. */
const pools = ['abcdefghijklmnopqrstuvwxyz0123456789 ', 'aé€"\\{}[],:\n\u0001'].map((letters) => {
  const random = new Random(letters.length)
  const piece = Array.from({ length: PERIOD }, () => random.pick([...letters])).join('')
  return piece.repeat(Math.ceil((LONGEST_UNITS + PERIOD) / PERIOD))
})

/** A whole number from 0 to 2^32 - 1 that differs for each message. */
function mixed(from: number, number: number): number {
  let bits = Math.imul(from + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d)
  return (bits ^ (bits >>> 13)) >>> 0
}

const oneIn = (every: number, bits: number) => every > 0 && bits % every === 0

/** Whether a message is longer than any packet. */
export function isLong(shape: Shape, from: number, number: number): boolean {
  return oneIn(shape.longEvery, mixed(from, number))
}

/** How many descriptors ride with a message. */
export function fdCount(shape: Shape, from: number, number: number): number {
  const bits = mixed(number, from)
  return oneIn(shape.fdsEvery, bits) ? 1 + ((bits >>> 16) % MAX_FDS) : 0
}

/** A message without its descriptors. */
export function makeMessage(shape: Shape, from: number, number: number): Message {
  const bits = mixed(from, number)
  const spread = bits >>> 10
  const medium = oneIn(MEDIUM_EVERY, spread) ? MEDIUM_UNITS : SHORT_UNITS
  const units = isLong(shape, from, number) ? OUTBOX_BYTES + (spread % LONG_SPREAD) : (bits >>> 4) % medium
  const at = bits % PERIOD
  const body = (pools[spread % pools.length] as string).slice(at, at + units)
  return { from, number, body, check: checkOf(from, number, body) }
}

/** The checksum of what a message says. */
export function checkOf(from: number, number: number, body: string): number {
  return crc32(body, crc32(`${from} ${number} `))
}
