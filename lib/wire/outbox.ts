import { Buffer } from '../core/globals.js'
import { refreshView, view } from '../os/memory.js'
import { HEADER_BYTES, SLACK_BYTES, wasm } from './wasm.js'

/** No packet is made longer than this. */
export const OUTBOX_BYTES = wasm.OUTBOX_BYTES.value

/** UTF-16 units of a text that never make more bytes than the outbox holds, headers included. */
export const OUTBOX_UNITS = Math.floor((OUTBOX_BYTES - HEADER_BYTES) / 3)

/** Goes before each frame's text in a batch; `seal` writes the length over it. */
export const PLACEHOLDER = String.fromCharCode(wasm.PLACEHOLDER.value).repeat(HEADER_BYTES)

const outbox = wasm.allocate(OUTBOX_BYTES + SLACK_BYTES) >>> 0
refreshView()

/** Whose bytes the outbox holds: it belongs to nobody for longer than one system call. */
let outboxOwner: object | null = null

export function ownsOutbox(owner: object): boolean {
  return outboxOwner === owner
}

/** Nothing of it will be sent again. */
export function disownOutbox(owner: object): void {
  if (outboxOwner === owner) outboxOwner = null
}

/** The address of byte `offset` of the outbox. */
export function outboxAt(offset: number): number {
  return outbox + offset
}

/** Writes a batch, each text behind a placeholder, into the outbox as frames; answers its bytes. */
export function seal(owner: object, batch: string): number {
  const length = view.utf8Write(batch, outbox, OUTBOX_BYTES)
  if (wasm.sealFrames(outbox, length) < 0) throw new Error('a batch does not begin with a placeholder')
  outboxOwner = owner
  return length
}

/** Writes a piece of a long text into the outbox, behind a header where `payload` is given; its bytes. */
export function writePiece(owner: object, piece: string, payload?: number): number {
  outboxOwner = owner
  const start = payload === undefined ? 0 : HEADER_BYTES
  if (payload !== undefined) wasm.writeHeader(outbox, payload)
  return start + view.utf8Write(piece, outbox + start, OUTBOX_BYTES - start)
}

/**
 * Bytes on their way out. They are written into the thread's one outbox just before each system call, and
 * again if another channel used the outbox meanwhile: so what waits costs no WebAssembly memory.
 */
export interface OutgoingBytes {
  /** Makes the outbox hold the bytes that are next. */
  load(): void
  /** Where they are, and how many; valid until something else is loaded. */
  readonly at: number
  readonly length: number
  /** The kernel took `count` of them; true when nothing is left. */
  advance(count: number): boolean
  /** Whether the kernel has taken any. */
  readonly begun: boolean
  /** How many messages of several the kernel has whole. */
  readonly whole: number
}

/** Some messages' texts as one batch of frames. */
export class FrameBatch implements OutgoingBytes {
  #bytes = 0
  #sent = 0

  /** Each text in `batch` stands behind a {@link PLACEHOLDER}. */
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

/** Only the header of a message that follows elsewhere. */
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

/** A long message's text, by pieces that fit into the outbox: its cost in memory is the string itself. */
export class PayloadText implements OutgoingBytes {
  readonly whole = 0
  #from = 0
  #to = 0
  #bytes = 0
  #sent = 0
  #header: number | undefined

  /** @param header the payload's bytes, where a header is to go before it */
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

/** One message's text as the batch of a {@link FrameBatch}. */
export function frame(text: string): string {
  return PLACEHOLDER + text
}
