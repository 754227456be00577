import { Buffer } from '../core/globals.js'
import { refreshView, view } from '../os/memory.js'
import { SLACK_BYTES, wasm } from './wasm.js'

const { isUtf8 } = process.getBuiltinModule('node:buffer')

/** Makes V8's strings of UTF-8 in memory. */

/** How many bytes of UTF-8 become UTF-16 in one step. */
const WIDE_BYTES = 256 * 1024
/**
 * From this length on Node.js makes strings in memory of their own, outside V8's heap (EXTERN_APEX in its
 * src/string_bytes.cc), new each time. Joined from pieces a string is on the heap, which uses its pages again; but for
 * texts over 8 MiB the heap would keep more memory than they take.
 */
const PIECEMEAL_BYTES = 0xfbee9
const MAX_PIECEMEAL_BYTES = 8 * 1024 * 1024
const PIECE_BYTES = 64 * 1024
/** Before version 24 Node.js reads UTF-8 outside ASCII at 1.5 to 3 ns a byte, five times slower than `widen` (docs/performance.md). */
const WIDENS = Number.parseInt(process.versions.node, 10) < 24

/** The address at which a text becomes UTF-16. */
const wide = wasm.allocate(2 * WIDE_BYTES + SLACK_BYTES) >>> 0
refreshView()

export function isAscii(at: number, end: number): boolean {
  return wasm.allAscii(at, end) !== 0
}

/** Returns the text of UTF-8 bytes; undefined if they are not UTF-8. */
export function readText(at: number, length: number, ascii: boolean): string | undefined {
  const end = at + length
  if (!ascii && !isUtf8(view.subarray(at, end))) return undefined
  const max = pieceBytes(length, ascii)
  if (length <= max) return readPiece(at, end, ascii)
  const pieces: string[] = []
  while (at < end) {
    const to = wholeCharacters(at, Math.min(at + max, end), end)
    pieces.push(readPiece(at, to, ascii))
    at = to
  }
  return pieces.join('')
}

/** Returns how many bytes of a text become a string in one step. */
function pieceBytes(length: number, ascii: boolean): number {
  if (WIDENS) return ascii ? length : WIDE_BYTES
  return length < PIECEMEAL_BYTES || length > MAX_PIECEMEAL_BYTES ? length : PIECE_BYTES
}

function readPiece(at: number, to: number, ascii: boolean): string {
  if (ascii) return view.latin1Slice(at, to)
  if (!WIDENS) return view.toString('utf8', at, to)
  return view.toString('utf16le', wide, wide + 2 * wasm.widen(at, to, wide))
}

const CONTINUATION_MASK = 0xc0
const CONTINUATION = 0x80

/** Returns `to`, or the beginning of the character that it would cut. */
function wholeCharacters(at: number, to: number, end: number): number {
  if (to < end) while (to > at && ((view[to] as number) & CONTINUATION_MASK) === CONTINUATION) to--
  return to
}

/** Copies bytes without Node's pool, of which a small copy would keep a whole block alive. */
export function copyOf(at: number, length: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(length)
  copy.set(view.subarray(at, at + length))
  return copy
}
