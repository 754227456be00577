import { recurring } from '../core/clock.js'
import { WormholeError } from '../core/errors.js'
import { discard, memoryBytes, PAGE_BYTES, refreshView, view } from '../os/memory.js'
import { SLACK_BYTES, wasm } from './wasm.js'

const FIRST_BYTES = wasm.REASSEMBLY_BYTES.value

/**
 * The bytes of a frame whose end has not arrived, in WebAssembly memory that doubles as they come. It exists
 * only while a frame is incomplete, so that an idle channel has no memory there.
 */
export class Reassembly {
  /** The block's address and size; 0 once it is freed. */
  #block: number
  #blockBytes: number
  /** How many bytes of the block may be used. */
  #capacity: number
  #length: number

  /**
   * Starts with a copy of bytes that have arrived.
   *
   * @param expected how many bytes it will hold in the end, if that is known
   */
  constructor(at: number, length: number, expected = 0) {
    const spare = takeBlock(expected)
    this.#blockBytes = spare?.bytes ?? Math.max(length, FIRST_BYTES)
    this.#block = spare?.at ?? guardMemory(() => wasm.allocate(this.#blockBytes + SLACK_BYTES)) >>> 0
    this.#capacity = spare === null ? this.#blockBytes : Math.min(this.#blockBytes, expected)
    this.#length = length
    view.copyWithin(this.#block, at, at + length)
  }

  /** Makes room for at least one byte more, by doubling, but never past `limit` bytes in all; false if that is reached. */
  reserve(limit: number): boolean {
    if (this.#length < this.#capacity) return true
    const capacity = Math.min(2 * this.#capacity, limit)
    if (capacity <= this.#length) return false
    const outgrown = this.#block
    this.#block = guardMemory(() => wasm.grow(outgrown, this.#length, capacity)) >>> 0
    releaseBlock(outgrown, this.#blockBytes)
    this.#blockBytes = capacity
    this.#capacity = capacity
    return true
  }

  /** The address of the first byte. */
  get at(): number {
    return this.#block
  }

  get length(): number {
    return this.#length
  }

  /** The address for the next bytes. */
  get tail(): number {
    return this.#block + this.#length
  }

  /** How many bytes fit there. */
  get room(): number {
    return this.#capacity - this.#length
  }

  append(count: number): void {
    this.#length = Math.min(this.#length + count, this.#capacity)
  }

  /** Drops the first `count` bytes, which have been read. */
  consume(count: number): void {
    const taken = Math.min(count, this.#length)
    this.#length -= taken
    wasm.consume(this.#block, taken, this.#length)
  }

  free(): void {
    if (this.#block === 0) return
    leaveBlock(this.#block, this.#blockBytes)
    this.#block = 0
  }
}

/** Makes an error of one message out of the allocator's trap when the memory cannot grow. */
function guardMemory<Result>(call: () => Result): Result {
  try {
    return call()
  } catch (cause) {
    const mebibytes = Math.round(memoryBytes() / 2 ** 20)
    throw new WormholeError(
      'ERR_WORMHOLE_TOO_LARGE',
      `no memory for the rest of a message: WebAssembly memory is at ${mebibytes} MiB and cannot grow`,
      { cause }
    )
  } finally {
    refreshView()
  }
}

// A long message is seldom alone. The block of one is kept for the next, so that its pages need not be allocated again;
// but only for a moment: a program that is done with long messages must get the pages back.

/** Smaller blocks are quickly allocated, and larger ones cost too much to keep. */
const MIN_BYTES = 256 * 1024
const MAX_BYTES = 32 * 1024 * 1024
const KEPT_MS = 250
/** How many times as long as its message a block may be. */
const MAX_TIMES = 4

interface Block {
  readonly at: number
  readonly bytes: number
}

let spare: Block | null = null
let used = false
const startLooking = recurring(KEPT_MS, giveBack)

/** Keeps a block for a moment, or gives it back immediately. */
function leaveBlock(at: number, bytes: number): void {
  if (bytes < MIN_BYTES || bytes > MAX_BYTES || (spare !== null && spare.bytes >= bytes)) {
    releaseBlock(at, bytes)
    return
  }
  if (spare !== null) releaseBlock(spare.at, spare.bytes)
  spare = { at, bytes }
  used = true
  startLooking()
}

/** Returns the kept block, which the caller then owns, if it suits a message of `bytes`. */
function takeBlock(bytes: number): Block | null {
  if (spare === null || bytes < MIN_BYTES || spare.bytes > MAX_TIMES * bytes) return null
  const block = spare
  spare = null
  return block
}

/** Gives the kept block back, unless one was left since the last call. */
function giveBack(): boolean {
  if (used) {
    used = false
    return true
  }
  if (spare !== null) releaseBlock(spare.at, spare.bytes)
  spare = null
  return false
}

/** Once touched, WebAssembly memory stays resident; if it has grown past this, freed blocks give their pages back. */
const KEEP_BYTES = 32 * 1024 * 1024
const DISCARD_BYTES = 4 * PAGE_BYTES

/** Frees a block, and gives its pages back to the system if big messages have grown the memory. */
function releaseBlock(block: number, bytes: number): void {
  if (bytes >= DISCARD_BYTES && memoryBytes() > KEEP_BYTES) discard(block, bytes)
  wasm.release(block)
}
