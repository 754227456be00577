import { HEADER_BYTES, PLACEHOLDER } from './layout'

/**
 * Writes each frame's length over its placeholder, in a batch that begins with one. Returns the number of
 * frames, or -1 if the batch does not have that form; then some placeholders may be overwritten.
 *
 * A placeholder is found by its first byte: JSON text has no byte below 0x20.
 */
export function sealFrames(start: usize, length: usize): i32 {
  const end = start + length
  if (length < <usize>HEADER_BYTES || load<u8>(start) !== <u8>PLACEHOLDER) return -1
  const wanted = i8x16.splat(<i8>PLACEHOLDER)
  let frames: i32 = 0
  let header = start
  let at = start + HEADER_BYTES
  while (true) {
    const next = findPlaceholder(at, end, wanted)
    store<u64>(header, <u64>(next - header - HEADER_BYTES))
    frames++
    if (next === end) return frames
    if (end - next < <usize>HEADER_BYTES) return -1
    header = next
    at = next + HEADER_BYTES
  }
}

// Finds the first placeholder byte in [at, end), or end. Loads up to 15 bytes past the end: SLACK_BYTES.
function findPlaceholder(at: usize, end: usize, wanted: v128): usize {
  while (at + 64 <= end) {
    const low = v128.or(i8x16.eq(v128.load(at), wanted), i8x16.eq(v128.load(at, 16), wanted))
    const high = v128.or(i8x16.eq(v128.load(at, 32), wanted), i8x16.eq(v128.load(at, 48), wanted))
    if (v128.any_true(v128.or(low, high))) break
    at += 64
  }
  while (at < end) {
    const hits = i8x16.bitmask(i8x16.eq(v128.load(at), wanted))
    if (hits !== 0) return min(at + <usize>ctz(hits), end)
    at += 16
  }
  return end
}

/** Writes the header of a frame of `payload` bytes, for a message that is sent in pieces. */
export function writeHeader(at: usize, payload: f64): void {
  store<u64>(at, <u64>payload)
}
