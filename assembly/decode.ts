import { CUT_FRAME, CUT_HEADER, HEADER_BYTES, OVER_LIMIT, WHOLE } from './layout'
import { clearHighBits, copyIfAlone, highBits } from './skeleton'

const HEADER: usize = HEADER_BYTES

/** What `walkFrames` found. JavaScript reads it from memory: a call for each would cost more than the walk. */
@unmanaged
class Walked {
  /** Whole frames. */
  frames: i32
  /** The bytes that they take. */
  bytes: u32
  /** How many of them are over the limit, and the bytes of these without their headers. */
  refused: i32
  refusedBytes: u32
  /** The length in the header behind them, where the status is CUT_FRAME or OVER_LIMIT. */
  declared: f64
}

/** Counts the whole frames at `start`, for `result`, and says by a status what follows them. */
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
 * Writes whole frames, as walked, as the text of one JSON array to `target`: the payloads with commas between
 * them. Returns its length, or 0 when a payload does not stand alone: then each must be read by itself.
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

/** Whether the frames that `mergeFrames` merged are all ASCII. */
export function mergedAscii(): bool {
  return highBits === 0
}

/** The payload length of the whole frame at `at`. */
export function frameSize(at: usize): u32 {
  return load<u32>(at)
}
