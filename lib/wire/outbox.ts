import { Buffer } from '../core/globals.js'
import { integersAt, refreshView, view } from '../os/memory.js'
import { HEADER_BYTES, SLACK_BYTES, wasm } from './wasm.js'

/** The longest packet that is made. */
export const OUTBOX_BYTES = wasm.OUTBOX_BYTES.value

/** How many UTF-16 units fit into the outbox in any case, headers included. */
export const OUTBOX_UNITS = Math.floor((OUTBOX_BYTES - HEADER_BYTES) / 3)

/** Precedes each frame's text in a batch; `seal` writes the length over it. */
export const PLACEHOLDER = String.fromCharCode(wasm.PLACEHOLDER.value).repeat(HEADER_BYTES)

/** The address of the outbox. */
export const outbox = wasm.allocate(OUTBOX_BYTES + SLACK_BYTES) >>> 0
refreshView()
/** The length in the header of the frame with which the outbox begins. */
const firstLength = integersAt(outbox, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT)

/** Whose bytes the outbox holds now: any sender may overwrite them after a system call. */
let outboxOwner: object | null = null

export function ownsOutbox(owner: object): boolean {
  return outboxOwner === owner
}

/** Notes that nothing of `owner` in the outbox will be sent again. */
export function disownOutbox(owner: object): void {
  if (outboxOwner === owner) outboxOwner = null
}

/** Returns the address of byte `offset` of the outbox. */
export function outboxAt(offset: number): number {
  return outbox + offset
}

/** Writes a batch, in which a placeholder precedes each text, into the outbox as frames; returns its bytes. */
export function seal(owner: object, batch: string): number {
  const length = view.utf8Write(batch, outbox, OUTBOX_BYTES)
  if (wasm.sealFrames(outbox, length) < 0) throw new Error('a batch does not begin with a placeholder')
  outboxOwner = owner
  return length
}

/** Writes one text that surely fits into the outbox as a frame, which nobody owns; returns its bytes. Needs no WebAssembly. */
export function sealOne(text: string): number {
  outboxOwner = null
  const length = view.utf8Write(text, outbox + HEADER_BYTES, OUTBOX_BYTES - HEADER_BYTES)
  firstLength[0] = length
  firstLength[1] = 0
  return HEADER_BYTES + length
}

/** Writes a piece of a long text into the outbox, after a header if `payload` is given; returns the bytes. */
export function writePiece(owner: object, piece: string, payload?: number): number {
  outboxOwner = owner
  const start = payload === undefined ? 0 : HEADER_BYTES
  if (payload !== undefined) wasm.writeHeader(outbox, payload)
  return start + view.utf8Write(piece, outbox + start, OUTBOX_BYTES - start)
}

/**
 * Outgoing bytes. They are written into the thread's one outbox just before each system call, and again if another
 * channel has used the outbox since: so a pending write costs no WebAssembly memory.
 */
export interface OutgoingBytes {
  /** Writes the next bytes into the outbox, unless they are there. */
  load(): void
  /** The address and number of the bytes; valid until something else is loaded. */
  readonly at: number
  readonly length: number
  /** Notes that the kernel accepted `count` bytes; true if nothing is left. */
  advance(count: number): boolean
  /** Whether the kernel has accepted any. */
  readonly begun: boolean
  /** How many of several messages the kernel has whole. */
  readonly whole: number
}

/** The texts of some messages as one batch of frames. */
export class FrameBatch implements OutgoingBytes {
  #bytes = 0
  #sent = 0

  /** @param batch texts, each after a {@link PLACEHOLDER} */
  constructor(readonly batch: string) {}

  load(): void {
    if (!ownsOutbox(this)) this.#bytes = seal(this, this.batch)
  }

  get at(): number {
    return outboxAt(this.#sent)
  }

  get length(): number {
    return this.#bytes - this.#sent
  }

  get begun(): boolean {
    return this.#sent > 0
  }

  get whole(): number {
    let left = this.#sent
    let count = 0
    for (const text of this.batch.split(PLACEHOLDER).slice(1)) {
      left -= HEADER_BYTES + Buffer.byteLength(text)
      if (left < 0) break
      count++
    }
    return count
  }

  advance(count: number): boolean {
    this.#sent += count
    if (this.#sent < this.#bytes) return false
    disownOutbox(this)
    return true
  }
}

/** Only the header of a message whose text goes over a side stream. */
export class FrameHeader implements OutgoingBytes {
  readonly begun = false
  readonly whole = 0
  readonly length = HEADER_BYTES

  constructor(readonly payload: number) {}

  load(): void {
    if (!ownsOutbox(this)) writePiece(this, '', this.payload)
  }

  get at(): number {
    return outboxAt(0)
  }

  advance(): boolean {
    disownOutbox(this)
    return true
  }
}

const HIGH_SURROGATE_FIRST = 0xd800
const HIGH_SURROGATE_LAST = 0xdbff

/** The text of a long message, in pieces that fit into the outbox: it takes no memory beside the string itself. */
export class PayloadText implements OutgoingBytes {
  readonly whole = 0
  #from = 0
  #to = 0
  #bytes = 0
  #sent = 0
  #header: number | undefined

  /** @param header the payload's length in bytes, if a header precedes it */
  constructor(
    readonly text: string,
    header?: number
  ) {
    this.#header = header
    this.#cut()
  }

  load(): void {
    if (!ownsOutbox(this)) this.#write()
  }

  #write(): void {
    this.#bytes = writePiece(this, this.text.slice(this.#from, this.#to), this.#header)
  }

  get at(): number {
    return outboxAt(this.#sent)
  }

  get length(): number {
    return this.#bytes - this.#sent
  }

  get begun(): boolean {
    return this.#sent > 0 || this.#from > 0
  }

  advance(count: number): boolean {
    this.#sent += count
    if (this.#sent < this.#bytes) return false
    if (this.#to === this.text.length) {
      disownOutbox(this)
      return true
    }
    this.#header = undefined
    this.#from = this.#to
    this.#sent = 0
    this.#cut()
    this.#write()
    return false
  }

  /** Ends the piece that begins at `#from`, never between the halves of a surrogate pair. */
  #cut(): void {
    let to = Math.min(this.#from + OUTBOX_UNITS, this.text.length)
    if (to < this.text.length) {
      const last = this.text.charCodeAt(to - 1)
      if (last >= HIGH_SURROGATE_FIRST && last <= HIGH_SURROGATE_LAST) to--
    }
    this.#to = to
  }
}

/** Makes one message's text the batch of a {@link FrameBatch}. */
export function frame(text: string): string {
  return PLACEHOLDER + text
}
