import { HEADER_BYTES, PLACEHOLDER } from './layout'

// Takes the place of assembly/encode.ts in a module without SIMD: the same answers, eight bytes at a time.

export function sealFrames(start: usize, length: usize): i32 {
  const end = start + length
  if (length < <usize>HEADER_BYTES || load<u8>(start) !== <u8>PLACEHOLDER) return -1
  let frames: i32 = 0
  let header = start
  let at = start + HEADER_BYTES
  while (true) {
    const next = findPlaceholder(at, end)
    store<u64>(header, <u64>(next - header - HEADER_BYTES))
    frames++
    if (next === end) return frames
    if (end - next < <usize>HEADER_BYTES) return -1
    header = next
    at = next + HEADER_BYTES
  }
}

const EACH_BYTE: u64 = 0x0101010101010101
const EACH_HIGH_BIT: u64 = 0x8080808080808080

// The first placeholder byte in [at, end), or end. Subtracting 1 from each byte borrows first where one is 0.
function findPlaceholder(at: usize, end: usize): usize {
  while (at < end) {
    const differences = load<u64>(at) ^ (EACH_BYTE * <u64>PLACEHOLDER)
    const hits = (differences - EACH_BYTE) & ~differences & EACH_HIGH_BIT
    if (hits !== 0) return min(at + (<usize>ctz(hits) >> 3), end)
    at += 8
  }
  return end
}

export function writeHeader(at: usize, payload: f64): void {
  store<u64>(at, <u64>payload)
}
