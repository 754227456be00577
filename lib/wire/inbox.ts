import { WormholeError } from '../core/errors.js'
import { Buffer } from '../core/globals.js'
import type { Batch, Unread } from '../receive/batch.js'
import { Failure, fromText, malformed, tooLarge } from './json.js'
import { doublesAt, integersAt, refreshView, view, wasm } from './wasm.js'

const { isUtf8 } = process.getBuiltinModule('node:buffer')

/** Frames in WebAssembly memory: the one file, with partial.ts, that computes with addresses. */

export const HEADER_BYTES = wasm.HEADER_BYTES.value
export const OUTBOX_BYTES = wasm.OUTBOX_BYTES.value
export const INBOX_BYTES = wasm.INBOX_BYTES.value
export const MESSAGE_LIMIT = wasm.MESSAGE_LIMIT.value

const SLACK_BYTES = wasm.SLACK_BYTES.value
const WHOLE = wasm.WHOLE.value
const OVER_LIMIT = wasm.OVER_LIMIT.value
const CUT_HEADER = wasm.CUT_HEADER.value

/**
 * Frames of more bytes than this, on average, are read one by one: looking at each byte for a merge costs more then.
 * Outside ASCII each text costs a call that makes UTF-16 of it.
 */
export const MERGE_BYTES = 500
export const MERGE_BYTES_WIDE = 2000

/** Bytes of UTF-8 that become UTF-16 at once. */
const WIDE_BYTES = 256 * 1024
/**
 * Of a text from this length on Node.js makes a string whose memory is its own, not of V8's heap (EXTERN_APEX in its
 * src/string_bytes.cc), and new each time. Put together from pieces it is on the heap, where pages are used again; but
 * of texts over 8 MiB more memory than they take would be kept there.
 */
const PIECEMEAL_BYTES = 0xfbee9
const MOST_PIECEMEAL_BYTES = 8 * 1024 * 1024
const PIECE_BYTES = 64 * 1024
/** Node.js reads UTF-8 outside ASCII at 1.5 to 3 ns a byte before version 24, five times slower than `widen` (docs/performance.md). */
const WIDENS = Number.parseInt(process.versions.node, 10) < 24

const outbox = wasm.allocate(OUTBOX_BYTES + SLACK_BYTES) >>> 0
/** Where a received packet is put. */
export const inbox = wasm.allocate(INBOX_BYTES + SLACK_BYTES) >>> 0
/** Where the frames of a packet are put together as the text of one array. */
const page = wasm.allocate(INBOX_BYTES + SLACK_BYTES) >>> 0
/** Where a text becomes UTF-16. */
const wide = wasm.allocate(2 * WIDE_BYTES + SLACK_BYTES) >>> 0
const walked = wasm.allocate(wasm.WALKED_BYTES.value) >>> 0
refreshView()
const walkedIntegers = integersAt(walked, 4)
const walkedDeclared = doublesAt(walked + 16, 1)

/** Goes before each frame's text in a batch; `seal` writes the length over it. */
export const PLACEHOLDER = String.fromCharCode(wasm.PLACEHOLDER.value).repeat(HEADER_BYTES)

/** No text of so many UTF-16 units makes more bytes than the outbox holds, headers included. */
export const OUTBOX_UNITS = Math.floor((OUTBOX_BYTES - HEADER_BYTES) / 3)

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

/** Copies bytes that are no frames into the inbox's memory, to be sent from there. */
export function stage(bytes: Uint8Array): void {
  view.set(bytes, inbox)
}

/** Copies the first `length` bytes of the inbox out of it. */
export function unstage(target: Uint8Array, length: number): void {
  target.set(view.subarray(inbox, inbox + length))
}

/** What follows the last whole frame: `status` WHOLE, or the bytes of a frame that is not all there. */
export interface Rest {
  complete: boolean
  at: number
  length: number
  /** The payload length that its header declares; undefined while the header itself is cut. */
  declared: number | undefined
  /** Whether the declared length is over the limit. */
  overLimit: boolean
}

const rest: Rest = { complete: true, at: 0, length: 0, declared: undefined, overLimit: false }

/** Payload bytes and frames that the last {@link readFrames} found whole and within the limit. */
export const found = { bytes: 0, frames: 0 }

/**
 * Reads every whole frame in the `length` bytes at `at` into `batch`. A frame over `limit` fails alone.
 * The answer is valid until the next call.
 */
export function readFrames(at: number, length: number, limit: number, batch: Batch): Rest {
  const status = wasm.walkFrames(at, length, limit, walked)
  const frames = walkedIntegers[0] as number
  const bytes = (walkedIntegers[1] as number) >>> 0
  const refused = walkedIntegers[2] as number
  if (refused > 0) batch.addUnread(new UnreadFrames(at, bytes, frames, limit))
  else if (frames > 0) decode(at, bytes, frames, limit, batch)
  found.frames = frames - refused
  found.bytes = bytes - frames * HEADER_BYTES - ((walkedIntegers[3] as number) >>> 0)
  rest.complete = status === WHOLE
  rest.at = at + bytes
  rest.length = length - bytes
  rest.declared = status === WHOLE || status === CUT_HEADER ? undefined : walkedDeclared[0]
  rest.overLimit = status === OVER_LIMIT
  return rest
}

/** The value of one payload that stands by itself, without a header. */
export function readPayload(at: number, length: number, ascii = isAscii(at, at + length)): unknown {
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

/** A copy that keeps nothing else alive: Node's pool would. */
function copyOf(at: number, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length)
  copy.set(view.subarray(at, at + length))
  return copy
}

const NO_BYTES = Buffer.alloc(0)
/** Frames that are read together at most, where one among them may be bad. */
const FEW_FRAMES = 64

/**
 * Whole frames of which one at least is bad. An error for each bad one, with its stack, would cost many times what a
 * good one does: so they are kept as they came, and read when their turn comes.
 */
class UnreadFrames implements Unread {
  #bytes: Buffer
  readonly #limit: number
  #at = 0
  left: number
  /** How many of the next are to be read one by one, as one of them is bad. */
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

  /** The frames that may be read together now. */
  #together(): { end: number; frames: number } {
    const most = this.#alone > 0 ? 1 : Math.min(FEW_FRAMES, this.left)
    let end = this.#at
    let frames = 0
    while (frames < most) {
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

/** What several frames hold, where it pays to read them as one text; undefined where not, or one of them is bad. */
function readTogether(at: number, bytes: number, frames: number): unknown[] | undefined {
  if (bytes > INBOX_BYTES || !mergePays(at, bytes / frames)) return undefined
  const length = wasm.mergeFrames(at, bytes, page) >>> 0
  return length > 0 ? parseArray(length) : undefined
}

function decode(at: number, bytes: number, frames: number, limit: number, batch: Batch): void {
  if (frames === 1) {
    batch.push(readPayload(at + HEADER_BYTES, bytes - HEADER_BYTES))
    return
  }
  if (mergePays(at, bytes / frames)) {
    const items = readTogether(at, bytes, frames)
    if (items === undefined) batch.addUnread(new UnreadFrames(at, bytes, frames, limit))
    else batch.add(items)
    return
  }
  // One string of all frames, of which each text is a part: one that V8 does not copy.
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
      batch.addUnread(new UnreadFrames(start, end - start, frames, limit))
      return
    }
    batch.push(item)
    start = next
  }
}

function mergePays(at: number, average: number): boolean {
  if (average <= MERGE_BYTES || average > MERGE_BYTES_WIDE) return average <= MERGE_BYTES
  const payload = at + HEADER_BYTES
  return !isAscii(payload, payload + (wasm.frameSize(at) >>> 0))
}

function isAscii(at: number, end: number): boolean {
  return wasm.allAscii(at, end) !== 0
}

function parseArray(length: number): unknown[] | undefined {
  try {
    const text = readText(page, length, wasm.mergedAscii() !== 0)
    return text === undefined ? undefined : (JSON.parse(text) as unknown[])
  } catch {
    return undefined
  }
}

/** The text in UTF-8; undefined when that is not what it is. */
function readText(at: number, length: number, ascii: boolean): string | undefined {
  const end = at + length
  if (!ascii && !isUtf8(view.subarray(at, end))) return undefined
  const most = pieceBytes(length, ascii)
  if (length <= most) return readPiece(at, end, ascii)
  const pieces: string[] = []
  while (at < end) {
    const to = wholeCharacters(at, Math.min(at + most, end), end)
    pieces.push(readPiece(at, to, ascii))
    at = to
  }
  return pieces.join('')
}

/** Most bytes of a text that become a string at once. */
function pieceBytes(length: number, ascii: boolean): number {
  if (WIDENS) return ascii ? length : WIDE_BYTES
  return length < PIECEMEAL_BYTES || length > MOST_PIECEMEAL_BYTES ? length : PIECE_BYTES
}

function readPiece(at: number, to: number, ascii: boolean): string {
  if (ascii) return view.latin1Slice(at, to)
  if (!WIDENS) return view.toString('utf8', at, to)
  return view.toString('utf16le', wide, wide + 2 * wasm.widen(at, to, wide))
}

const CONTINUATION_MASK = 0xc0
const CONTINUATION = 0x80

/** `to`, or where the character begins that it would cut. */
function wholeCharacters(at: number, to: number, end: number): number {
  if (to < end) while (to > at && ((view[to] as number) & CONTINUATION_MASK) === CONTINUATION) to--
  return to
}
