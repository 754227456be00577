import { type Lane, shapeOf } from './lanes.js'
import type { Incarnation } from './manifest.js'
import { isLong, makeMessage, type Shape } from './message.js'
import { type Entry, kinds } from './record.js'

const INTENDED = 1
const RESOLVED = 2
const REJECTED = 4
const RECEIVED = 8

/** What became of every message of one sender. */
export class Sent {
  readonly about: Incarnation
  readonly lane: Lane
  readonly shape: Shape
  #states = new Uint8Array(1024)
  /** One behind the highest number that was ever to be sent, and that was received. */
  intended = 0
  received = 0
  resolvedCount = 0
  receivedCount = 0
  /** Whether it came to its end by itself. */
  ended = false

  constructor(about: Incarnation, lane: Lane) {
    this.about = about
    this.lane = lane
    this.shape = 'send' in about.does ? shapeOf(lane, about.does.send) : { longEvery: 0, fdsEvery: 0 }
  }

  /** Takes a record of the sender's own log. */
  note({ kind, first, count }: Entry): void {
    const end = first + count
    if (kind === kinds.intent) {
      this.#reserve(end)
      this.intended = Math.max(this.intended, end)
      this.#mark(first, end, INTENDED)
    } else if (kind === kinds.resolved) {
      this.#mark(first, end, RESOLVED)
      this.resolvedCount += count
    } else if (kind === kinds.rejected) this.#mark(first, end, REJECTED)
    else if (kind === kinds.end) this.ended = true
  }

  /** A receiver has got a message: what is wrong with that, if anything. */
  receive(number: number): 'twice' | 'never sent' | 'rejected, and received' | null {
    const state = this.#states[number] ?? 0
    if ((state & INTENDED) === 0) return 'never sent'
    if ((state & RECEIVED) !== 0) return 'twice'
    this.#states[number] = state | RECEIVED
    this.received = Math.max(this.received, number + 1)
    this.receivedCount++
    return (state & REJECTED) !== 0 ? 'rejected, and received' : null
  }

  /** What the checksums of a range add up to. */
  checkOf(first: number, count: number): number {
    let check = 0
    for (let number = first; number < first + count; number++) {
      check = (check + makeMessage(this.shape, this.about.id, number).check) >>> 0
    }
    return check
  }

  /**
   * Numbers that the kernel had and nobody has got: their send had resolved, or a later message came through.
   * The payload of a long one travels beside what comes next: there only the resolved send counts, or the rejected
   * one, whose receiver gave it up.
   */
  missing(): number[] {
    return this.#where((state, number) => {
      if ((state & (RESOLVED | REJECTED)) !== 0) return true
      return number < this.received && !isLong(this.shape, this.about.id, number)
    })
  }

  /** Sends of which nothing more was heard, and that nobody has got. */
  unsettled(): number[] {
    return this.#where((state) => (state & (RESOLVED | REJECTED)) === 0)
  }

  #where(test: (state: number, number: number) => boolean): number[] {
    const numbers: number[] = []
    for (let number = 0; number < this.intended; number++) {
      const state = this.#states[number]!
      if ((state & INTENDED) !== 0 && (state & RECEIVED) === 0 && test(state, number)) numbers.push(number)
    }
    return numbers
  }

  #mark(first: number, end: number, bit: number): void {
    for (let number = first; number < end; number++) this.#states[number]! |= bit
  }

  #reserve(length: number): void {
    if (length <= this.#states.length) return
    const states = new Uint8Array(2 * length)
    states.set(this.#states)
    this.#states = states
  }
}
