/** Bits collected over the bytes seen: not 0 when any was outside ASCII. */
export let highBits: i32 = 0

export function clearHighBits(): void {
  highBits = 0
}

/**
 * Whether the text in [at, end) can stand as one element of a JSON array without changing its
 * neighbours: strings are closed, brackets outside strings balance and never go below zero, and no
 * comma stands outside all brackets. If an array made of such parts parses, its elements are exactly the
 * parts: only a comma at the array's own depth ends an element, and these are the ones we wrote.
 *
 * Sixteen bytes at a time; loads up to 15 bytes past the end.
 */
export function standsAlone(at: usize, end: usize): bool {
  const quote = i8x16.splat(0x22)
  const backslash = i8x16.splat(0x5c)
  const caseBit = i8x16.splat(0x20)
  const opening = i8x16.splat(0x7b) // '{', and '[' with the case bit set
  const closing = i8x16.splat(0x7d) // '}', and ']' with the case bit set
  const comma = i8x16.splat(0x2c)

  let depth: i32 = 0
  let inside: i32 = 0 // all ones while a string is open
  let escaping: i32 = 0 // 1 when the last block ended with a backslash that escapes

  for (; at < end; at += 16) {
    const block = v128.load(at)
    const left = end - at
    const valid: i32 = left >= 16 ? 0xffff : (1 << (<i32>left)) - 1

    highBits |= i8x16.bitmask(block) & valid
    let quotes = i8x16.bitmask(i8x16.eq(block, quote)) & valid
    let slashes = i8x16.bitmask(i8x16.eq(block, backslash)) & valid
    if ((slashes | escaping) !== 0) {
      let escaped = escaping
      slashes &= ~escaping
      while (slashes !== 0) {
        const index = ctz(slashes)
        escaped |= 2 << index
        slashes &= ~(3 << index)
      }
      escaping = (escaped >> 16) & 1
      quotes &= ~escaped
    }

    // A running exclusive-or turns quotes into the stretches between them.
    let strings = quotes
    strings ^= strings << 1
    strings ^= strings << 2
    strings ^= strings << 4
    strings ^= strings << 8
    strings = (strings ^ inside) & 0xffff
    inside = (strings >> 15) & 1 ? 0xffff : 0
    const outside = valid & ~strings

    const folded = v128.or(block, caseBit)
    const opens = i8x16.bitmask(i8x16.eq(folded, opening)) & outside
    const closes = i8x16.bitmask(i8x16.eq(folded, closing)) & outside
    const closeCount = popcnt(closes)
    if (depth > closeCount) {
      // However they are ordered, the depth stays above zero in this block.
      depth += popcnt(opens) - closeCount
      continue
    }
    let marks = opens | closes | (i8x16.bitmask(i8x16.eq(block, comma)) & outside)
    while (marks !== 0) {
      const bit = marks & -marks
      marks ^= bit
      if ((bit & opens) !== 0) {
        depth++
      } else if (depth === 0) {
        return false
      } else if ((bit & closes) !== 0) {
        depth--
      }
    }
  }
  return depth === 0 && inside === 0
}

/** Whether every byte in [at, end) is ASCII. Loads up to 15 bytes past the end. */
export function allAscii(at: usize, end: usize): bool {
  let bits = i8x16.splat(0)
  for (; at + 64 <= end; at += 64) {
    bits = v128.or(
      v128.or(bits, v128.or(v128.load(at), v128.load(at, 16))),
      v128.or(v128.load(at, 32), v128.load(at, 48))
    )
  }
  if (i8x16.bitmask(bits) !== 0) return false
  for (; at < end; at += 16) {
    const left = end - at
    const valid: i32 = left >= 16 ? 0xffff : (1 << (<i32>left)) - 1
    if ((i8x16.bitmask(v128.load(at)) & valid) !== 0) return false
  }
  return true
}
