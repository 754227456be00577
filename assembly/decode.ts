import { CUT_FRAME, CUT_HEADER, HEADER_BYTES, MERGE_FRAMES, OVER_LIMIT, WHOLE } from './layout'
import { clearHighBits, highBits, standsAlone } from './skeleton'

const HEADER: usize = HEADER_BYTES

/** How many whole frames the last `walkFrames` found, and how many bytes they take. */
export let frames: i32 = 0
export let wholeBytes: usize = 0
/** The length in the header behind them, where its status is CUT_FRAME or OVER_LIMIT. */
export let declared: f64 = 0

/** Counts the whole frames at `start`, and says by a status what follows them. */
export function walkFrames(start: usize, length: usize, limit: f64): i32 {
  const end = start + length
  let at = start
  let count: i32 = 0
  let status = WHOLE
  while (at < end) {
    const left = end - at
    if (left < HEADER) {
      status = CUT_HEADER
      break
    }
    const size = load<u64>(at)
    if (size > <u64>limit || size > <u64>(left - HEADER)) {
      declared = <f64>size
      status = size > <u64>limit ? OVER_LIMIT : CUT_FRAME
      break
    }
    at += HEADER + <usize>size
    count++
  }
  frames = count
  wholeBytes = at - start
  return status
}

// Eight bytes of text each, in memory order: spaces, then the character that stands before an element.
const FIRST_ELEMENT: u64 = 0x5b20202020202020 // '['
const NEXT_ELEMENT: u64 = 0x2c20202020202020 // ','

const CLOSING_BRACKET: u8 = 0x5d

/** What stood where `mergeFrames` wrote the closing bracket. */
let behind: u8 = 0

/**
 * Rewrites whole frames, as walked, into the text of one JSON array: the first header becomes an opening
 * bracket, each other one a comma, and a closing bracket follows the last byte, over what stands there
 * (`restoreBehind`). Headers are kept in
 * `table`, so that `unmergeFrames` can undo it. Returns false, with nothing changed, when a frame does
 * not stand alone or there are more than MERGE_FRAMES: then each must be read by itself.
 */
export function mergeFrames(start: usize, length: usize, table: usize): bool {
  const end = start + length
  let at = start
  let count: i32 = 0
  clearHighBits()
  while (at < end) {
    if (count === MERGE_FRAMES) return false
    const size = load<u32>(at)
    const payload = at + HEADER
    at = payload + size
    if (!standsAlone(payload, at)) return false
    store<u32>(table + ((<usize>count) << 2), size)
    count++
  }
  at = start
  let element = FIRST_ELEMENT
  for (let index: i32 = 0; index < count; index++) {
    store<u64>(at, element)
    element = NEXT_ELEMENT
    at += HEADER + <usize>load<u32>(table + ((<usize>index) << 2))
  }
  behind = load<u8>(end)
  store<u8>(end, CLOSING_BRACKET)
  return true
}

/** Puts the byte behind the frames back: on a byte stream the next frame begins there. */
export function restoreBehind(end: usize): void {
  store<u8>(end, behind)
}

/** Whether the frames that `mergeFrames` merged are all ASCII. */
export function mergedAscii(): bool {
  return highBits === 0
}

/** Puts the headers back that `mergeFrames` wrote over. */
export function unmergeFrames(start: usize, count: i32, table: usize): void {
  let at = start
  for (let index: i32 = 0; index < count; index++) {
    const size = load<u32>(table + ((<usize>index) << 2))
    store<u64>(at, <u64>size)
    at += HEADER + <usize>size
  }
}

/** The payload length of the whole frame at `at`. */
export function frameSize(at: usize): u32 {
  return load<u32>(at)
}
