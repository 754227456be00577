import { WormholeError } from '../core/errors.js'
import { Buffer } from '../core/globals.js'
import { doublesAt, integersAt, refreshView, view } from '../os/memory.js'
import { Failure, fromText, malformed, tooLarge } from './json.js'
import { copyOf, isAscii, readText } from './text.js'
import { HEADER_BYTES, SLACK_BYTES, wasm } from './wasm.js'

/** Reads the frames of received packets in WebAssembly memory. */

export const INBOX_BYTES = wasm.INBOX_BYTES.value

const WHOLE = wasm.WHOLE.value
const OVER_LIMIT = wasm.OVER_LIMIT.value
const CUT_HEADER = wasm.CUT_HEADER.value

/**
 * Frames of more bytes than this, on average, are read one by one, as checking each byte for a merge would cost more.
 * Outside ASCII the limit is higher, as each text costs a call that makes UTF-16 of it.
 */
export const MERGE_BYTES = 500
export const MERGE_BYTES_WIDE = 2000

/** The address at which a received packet is written. */
export const inbox = wasm.allocate(INBOX_BYTES + SLACK_BYTES) >>> 0
/** The address at which the frames of a packet become the text of one array. */
const page = wasm.allocate(INBOX_BYTES + SLACK_BYTES) >>> 0
const walked = wasm.allocate(wasm.WALKED_BYTES.value) >>> 0
refreshView()
const walkedIntegers = integersAt(walked, 4)
const walkedDeclared = doublesAt(walked + 16, 1)
/** The length in the header of the inbox's first frame. */
const firstLength = integersAt(inbox, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT)
/** An ASCII text of up to this many bytes is made in one step. */
const SHORT_BYTES = 64 * 1024

/** Takes the messages that were read. */
export interface MessageSink {
  push(item: unknown): void
  add(items: unknown[]): void
  addUnread(unread: Unread): void
}

/** Messages that are made only when their turn comes. */
export interface Unread {
  readonly left: number
  /** Makes the next messages, at least one. */
  read(): unknown[]
  /** Releases their bytes: the stack of an error keeps the objects whose methods were running. */
  drop(): void
}

/** Copies raw bytes into the inbox's memory, to be sent from there. */
export function stage(bytes: Uint8Array): void {
  view.set(bytes, inbox)
}

/** How many bytes an address of a Unix socket has at most (sun_path, unix(7)). */
export const ADDRESS_BYTES = 108
/** How many bytes can be staged beside an address. */
export const ADDRESSED_BYTES = INBOX_BYTES - ADDRESS_BYTES

/** Copies a socket's address into the inbox's memory, after what `stage` copied; returns where it is. */
export function stageAddress(bytes: Uint8Array): number {
  view.set(bytes, inbox + ADDRESSED_BYTES)
  return inbox + ADDRESSED_BYTES
}

/** Copies the first `length` bytes of the inbox out of it. */
export function unstage(target: Uint8Array, length: number): void {
  target.set(view.subarray(inbox, inbox + length))
}

/** What follows the last whole frame: nothing (`complete`), or the first bytes of a frame. */
export interface Tail {
  complete: boolean
  /** Payload bytes of the whole frames before it that are within the limit. */
  payloadBytes: number
  at: number
  length: number
  /** The payload length that its header declares; undefined while the header itself is cut. */
  declared: number | undefined
  /** Whether the declared length is over the limit. */
  overLimit: boolean
}

const tail: Tail = { complete: true, payloadBytes: 0, at: 0, length: 0, declared: undefined, overLimit: false }
/** That of a frame alone, of which only the payload's length differs from one to the next. */
const nothing: Tail = { complete: true, payloadBytes: 0, at: inbox, length: 0, declared: undefined, overLimit: false }

/**
 * Reads every whole frame in the `length` bytes at `at` into `sink`. A frame over `limit` fails alone.
 * The result is valid until the next call.
 */
export function readFrames(at: number, length: number, limit: number, sink: MessageSink): Tail {
  const payload = length - HEADER_BYTES
  // One frame alone, as in most packets but for those of a stream: a program that is rarely woken pays for each call.
  if (at === inbox && payload > 0 && firstLength[0] === payload && firstLength[1] === 0 && payload <= limit) {
    sink.push(readPayload(inbox + HEADER_BYTES, payload))
    nothing.payloadBytes = payload
    return nothing
  }
  const status = wasm.walkFrames(at, length, limit, walked)
  const frames = walkedIntegers[0] as number
  const bytes = (walkedIntegers[1] as number) >>> 0
  const refused = walkedIntegers[2] as number
  if (refused > 0) sink.addUnread(new UnreadFrames(at, bytes, frames, limit))
  else if (frames > 0) decode(at, bytes, frames, limit, sink)
  tail.payloadBytes = bytes - frames * HEADER_BYTES - ((walkedIntegers[3] as number) >>> 0)
  tail.complete = status === WHOLE
  tail.at = at + bytes
  tail.length = length - bytes
  tail.declared = status === WHOLE || status === CUT_HEADER ? undefined : walkedDeclared[0]
  tail.overLimit = status === OVER_LIMIT
  return tail
}

/** Reads the value of one payload without a header. */
export function readPayload(at: number, length: number, ascii = wasm.allAscii(at, at + length) !== 0): unknown {
  if (ascii && length <= SHORT_BYTES) return fromText(view.latin1Slice(at, at + length))
  let text: string | undefined
  try {
    text = readText(at, length, ascii)
  } catch (cause) {
    // ERR_STRING_TOO_LONG: more characters than V8's strings hold.
    return new Failure(() => new WormholeError('ERR_WORMHOLE_TOO_LARGE', (cause as Error).message, { cause }))
  }
  if (text !== undefined) return fromText(text)
  const received = copyOf(at, length)
  return new Failure(() => malformed('a frame is not UTF-8', received))
}

const NO_BYTES = Buffer.alloc(0)
/** How many frames at most are read together if one of them may be bad. */
const FEW_FRAMES = 64

/**
 * Whole frames of which at least one is bad. An error for each bad frame, with its stack, would cost many times as much as
 * a good message: so the bytes are kept, and read when their turn comes.
 */
class UnreadFrames implements Unread {
  #bytes: Buffer
  readonly #limit: number
  #at = 0
  left: number
  /** How many of the next frames to read one by one, as one of them is bad. */
  #alone = 0

  constructor(at: number, bytes: number, frames: number, limit: number) {
    this.#bytes = copyOf(at, bytes)
    this.#limit = limit
    this.left = frames
  }

  read(): unknown[] {
    const { end, frames } = this.#together()
    if (frames > 1) {
      const items = this.#readTogether(this.#bytes.subarray(this.#at, end), frames)
      if (items !== undefined) {
        this.#at = end
        this.left -= frames
        return items
      }
      this.#alone = frames
    }
    return [this.#readOne()]
  }

  drop(): void {
    this.#bytes = NO_BYTES
  }

  /** Finds the frames that may be read together now. */
  #together(): { end: number; frames: number } {
    const max = this.#alone > 0 ? 1 : Math.min(FEW_FRAMES, this.left)
    let end = this.#at
    let frames = 0
    while (frames < max) {
      const size = this.#bytes.readUInt32LE(end)
      if (size > this.#limit) break
      end += HEADER_BYTES + size
      frames++
    }
    return { end, frames }
  }

  #readTogether(bytes: Buffer, frames: number): unknown[] | undefined {
    if (bytes.length > INBOX_BYTES) return undefined
    view.set(bytes, inbox)
    return readTogether(inbox, bytes.length, frames)
  }

  #readOne(): unknown {
    const size = this.#bytes.readUInt32LE(this.#at)
    const start = this.#at + HEADER_BYTES
    this.#at = start + size
    this.left--
    if (this.#alone > 0) this.#alone--
    if (size > this.#limit) return new Failure(() => tooLarge(size, this.#limit))
    view.set(this.#bytes.subarray(start, this.#at), inbox)
    return readPayload(inbox, size)
  }
}

/** Reads several frames as one text; undefined if that does not pay, or one of them is bad. */
function readTogether(at: number, bytes: number, frames: number): unknown[] | undefined {
  if (bytes > INBOX_BYTES || !mergePays(at, bytes / frames)) return undefined
  const length = wasm.mergeFrames(at, bytes, page) >>> 0
  return length > 0 ? parseArray(length) : undefined
}

function decode(at: number, bytes: number, frames: number, limit: number, sink: MessageSink): void {
  if (frames === 1) {
    sink.push(readPayload(at + HEADER_BYTES, bytes - HEADER_BYTES))
    return
  }
  if (mergePays(at, bytes / frames)) {
    const items = readTogether(at, bytes, frames)
    if (items === undefined) sink.addUnread(new UnreadFrames(at, bytes, frames, limit))
    else sink.add(items)
    return
  }
  // One string of all frames, of which each text is a slice: V8 does not copy slices.
  let text: string | undefined
  for (let start = at, end = at + bytes; start < end; frames--) {
    const size = wasm.frameSize(start) >>> 0
    const payload = start + HEADER_BYTES
    const next = payload + size
    const ascii = isAscii(payload, next)
    let item: unknown
    if (bytes > INBOX_BYTES || !ascii) {
      item = readPayload(payload, size, ascii)
    } else {
      text ??= view.latin1Slice(at, end)
      item = fromText(text.slice(payload - at, next - at))
    }
    if (item instanceof Failure) {
      sink.addUnread(new UnreadFrames(start, end - start, frames, limit))
      return
    }
    sink.push(item)
    start = next
  }
}

function mergePays(at: number, average: number): boolean {
  if (average <= MERGE_BYTES || average > MERGE_BYTES_WIDE) return average <= MERGE_BYTES
  const payload = at + HEADER_BYTES
  return !isAscii(payload, payload + (wasm.frameSize(at) >>> 0))
}

function parseArray(length: number): unknown[] | undefined {
  try {
    const text = readText(page, length, wasm.mergedAscii() !== 0)
    return text === undefined ? undefined : (JSON.parse(text) as unknown[])
  } catch {
    return undefined
  }
}
