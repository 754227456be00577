// Takes the place of assembly/skeleton.ts in a module without SIMD: the same answers, a byte at a time.

export let highBits: u64 = 0

export function clearHighBits(): void {
  highBits = 0
}

const QUOTE: u8 = 0x22
const BACKSLASH: u8 = 0x5c
const COMMA: u8 = 0x2c
const CASE_BIT: u8 = 0x20
const OPENING: u8 = 0x7b // '{', and '[' with the case bit set
const CLOSING: u8 = 0x7d // '}', and ']' with the case bit set

const EACH_HIGH_BIT: u64 = 0x8080808080808080

export function copyIfAlone(at: usize, end: usize, target: usize): bool {
  if (!standsAlone(at, end)) return false
  let seen: u64 = 0
  for (; at + 8 <= end; at += 8, target += 8) {
    const bytes = load<u64>(at)
    seen |= bytes
    store<u64>(target, bytes)
  }
  for (; at < end; at++) {
    const byte = load<u8>(at)
    seen |= <u64>byte
    store<u8>(target++, byte)
  }
  highBits |= seen & EACH_HIGH_BIT
  return true
}

function standsAlone(at: usize, end: usize): bool {
  let depth: i32 = 0
  let closed = false
  while (at < end) {
    let byte = load<u8>(at++)
    const folded = byte | CASE_BIT
    if (byte === QUOTE) {
      do {
        if (at >= end) return false
        byte = load<u8>(at++)
        if (byte === BACKSLASH) at++
      } while (byte !== QUOTE)
    } else if (folded === OPENING) {
      if (closed) return false
      depth++
    } else if (folded === CLOSING) {
      if (--depth < 0) return false
      if (depth === 0) closed = true
    } else if (byte === COMMA) {
      if (depth === 0) return false
    } else if (byte === BACKSLASH && at < end) {
      // No JSON, but what is escaped opens no string.
      const escaped = load<u8>(at)
      if (escaped === QUOTE || escaped === BACKSLASH) at++
    }
  }
  return depth === 0
}

export function allAscii(at: usize, end: usize): bool {
  for (; at + 8 <= end; at += 8) {
    if ((load<u64>(at) & EACH_HIGH_BIT) !== 0) return false
  }
  for (; at < end; at++) {
    if (load<u8>(at) >= 0x80) return false
  }
  return true
}
