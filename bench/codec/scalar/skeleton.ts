// Takes the place of assembly/skeleton.ts in a module without SIMD: the same answers, a byte at a time.

export let highBits: i32 = 0

export function clearHighBits(): void {
  highBits = 0
}

const QUOTE: u8 = 0x22
const BACKSLASH: u8 = 0x5c
const COMMA: u8 = 0x2c
const CASE_BIT: u8 = 0x20
const OPENING: u8 = 0x7b // '{', and '[' with the case bit set
const CLOSING: u8 = 0x7d // '}', and ']' with the case bit set

export function standsAlone(at: usize, end: usize): bool {
  let depth: i32 = 0
  let seen: u8 = 0
  while (at < end) {
    let byte = load<u8>(at++)
    seen |= byte
    const folded = byte | CASE_BIT
    if (byte === QUOTE) {
      while (true) {
        if (at >= end) return false
        byte = load<u8>(at++)
        seen |= byte
        if (byte === QUOTE) break
        if (byte === BACKSLASH && at < end) seen |= load<u8>(at++)
      }
    } else if (folded === OPENING) {
      depth++
    } else if (folded === CLOSING) {
      if (depth === 0) return false
      depth--
    } else if (byte === COMMA) {
      if (depth === 0) return false
    } else if (byte === BACKSLASH && at < end) {
      // No JSON, but what is escaped opens no string.
      const escaped = load<u8>(at)
      if (escaped === QUOTE || escaped === BACKSLASH) at++
    }
  }
  highBits |= seen & 0x80
  return depth === 0
}

export function allAscii(at: usize, end: usize): bool {
  for (; at + 8 <= end; at += 8) {
    if ((load<u64>(at) & 0x8080808080808080) !== 0) return false
  }
  for (; at < end; at++) {
    if (load<u8>(at) >= 0x80) return false
  }
  return true
}
