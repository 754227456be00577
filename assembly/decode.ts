import { CUT_FRAME, CUT_HEADER, HEADER_BYTES, OVER_LIMIT, WHOLE } from './layout'
import { clearHighBits, copyIfAlone, highBits } from './skeleton'

const HEADER: usize = HEADER_BYTES

/** The result of `walkFrames`. JavaScript reads it from memory: a call for each field would cost more than the walk. */
@unmanaged
class Walked {
  /** Whole frames. */
  frames: i32
  /** Their bytes, headers included. */
  bytes: u32
  /** How many of them are over the limit, and the bytes of these without headers. */
  refused: i32
  refusedBytes: u32
  /** The length in the header after them, if the status is CUT_FRAME or OVER_LIMIT. */
  declared: f64
}

/** Counts the whole frames at `start` into `result`; returns a status that says what follows them. */
export function walkFrames(start: usize, length: usize, limit: f64, result: usize): i32 {
  const walked = changetype<Walked>(result)
  const end = start + length
  let at = start
  let count: i32 = 0
  let refused: i32 = 0
  let refusedBytes: u32 = 0
  let status = WHOLE
  while (at < end) {
    const left = end - at
    if (left < HEADER) {
      status = CUT_HEADER
      break
    }
    const size = load<u64>(at)
    if (size > <u64>(left - HEADER)) {
      walked.declared = <f64>size
      status = size > <u64>limit ? OVER_LIMIT : CUT_FRAME
      break
    }
    if (size > <u64>limit) {
      refused++
      refusedBytes += <u32>size
    }
    at += HEADER + <usize>size
    count++
  }
  walked.refused = refused
  walked.refusedBytes = refusedBytes
  walked.frames = count
  walked.bytes = <u32>(at - start)
  return status
}

const OPENING_BRACKET: u8 = 0x5b
const CLOSING_BRACKET: u8 = 0x5d
const COMMA: u8 = 0x2c

/**
 * Writes whole frames to `target` as the text of one JSON array: the payloads with commas between them. Returns
 * its length, or 0 if a payload may not be one element: then each must be read by itself.
 */
export function mergeFrames(start: usize, length: usize, target: usize): usize {
  const end = start + length
  let at = start
  let out = target
  let mark = OPENING_BRACKET
  clearHighBits()
  while (at < end) {
    const payload = at + HEADER
    const size = <usize>load<u32>(at)
    at = payload + size
    store<u8>(out, mark)
    mark = COMMA
    if (!copyIfAlone(payload, at, ++out)) return 0
    out += size
  }
  store<u8>(out, CLOSING_BRACKET)
  return out + 1 - target
}

/** Tells whether the frames of the last `mergeFrames` are all ASCII. */
export function mergedAscii(): bool {
  return highBits === 0
}

/** Returns the payload length of the whole frame at `at`. */
export function frameSize(at: usize): u32 {
  return load<u32>(at)
}
