/** Collects bits of the bytes seen: not 0 if any was outside ASCII. */
export let highBits: u64 = 0

export function clearHighBits(): void {
  highBits = 0
}

/** Returns a mask of the 64 bytes of a comparison: bit n is set if byte n has all bits set. */
function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  return (
    <u64>i8x16.bitmask(a) |
    ((<u64>i8x16.bitmask(b)) << 16) |
    ((<u64>i8x16.bitmask(c)) << 32) |
    ((<u64>i8x16.bitmask(d)) << 48)
  )
}

function equal(a: v128, b: v128, c: v128, d: v128, wanted: v128): u64 {
  return bits(i8x16.eq(a, wanted), i8x16.eq(b, wanted), i8x16.eq(c, wanted), i8x16.eq(d, wanted))
}

/**
 * Copies the text in [at, end) to `target`, and tells whether it can be one element of a JSON array without
 * changing its neighbours: its strings are closed, its brackets outside strings balance, with no closing one too
 * early, and outside all brackets there is neither a comma nor a second value in brackets. If an array of such
 * parts parses, its elements are exactly the parts: only a comma at the array's own depth ends an element, and
 * these are the ones that we wrote.
 *
 * Loads and stores up to 63 bytes past the ends.
 */
export function copyIfAlone(at: usize, end: usize, target: usize): bool {
  const quote = i8x16.splat(0x22)
  const backslash = i8x16.splat(0x5c)
  const caseBit = i8x16.splat(0x20)
  const opening = i8x16.splat(0x7b) // '{', and '[' with the case bit set
  const closing = i8x16.splat(0x7d) // '}', and ']' with the case bit set
  const comma = i8x16.splat(0x2c)

  let depth: i32 = 0
  let closed = false // whether the value in brackets has ended
  let inside: u64 = 0 // all ones while a string is open
  let escaping: u64 = 0 // 1 when the last block ended with a backslash that escapes

  for (; at < end; at += 64, target += 64) {
    const a = v128.load(at)
    const b = v128.load(at, 16)
    const c = v128.load(at, 32)
    const d = v128.load(at, 48)
    v128.store(target, a)
    v128.store(target, b, 16)
    v128.store(target, c, 32)
    v128.store(target, d, 48)
    const left = end - at
    const valid: u64 = left >= 64 ? u64.MAX_VALUE : ((<u64>1) << (<u64>left)) - 1

    if (i8x16.bitmask(v128.or(v128.or(a, b), v128.or(c, d))) !== 0) highBits |= bits(a, b, c, d) & valid

    let quotes = equal(a, b, c, d, quote) & valid
    const slashed = v128.or(
      v128.or(i8x16.eq(a, backslash), i8x16.eq(b, backslash)),
      v128.or(i8x16.eq(c, backslash), i8x16.eq(d, backslash))
    )
    if (v128.any_true(slashed) || escaping !== 0) {
      let slashes = equal(a, b, c, d, backslash) & valid
      let escaped = escaping
      slashes &= ~escaping
      escaping = 0
      while (slashes !== 0) {
        const index = ctz(slashes)
        if (index === 63) escaping = 1
        else escaped |= (<u64>2) << index
        slashes &= ~((<u64>3) << index)
      }
      quotes &= ~escaped
    }

    // A running exclusive-or turns quotes into the stretches between them.
    let strings = quotes
    strings ^= strings << 1
    strings ^= strings << 2
    strings ^= strings << 4
    strings ^= strings << 8
    strings ^= strings << 16
    strings ^= strings << 32
    strings ^= inside
    inside = <u64>(<i64>strings >> 63)
    const outside = valid & ~strings

    const e = v128.or(a, caseBit)
    const f = v128.or(b, caseBit)
    const g = v128.or(c, caseBit)
    const h = v128.or(d, caseBit)
    const opens = equal(e, f, g, h, opening) & outside
    const closes = equal(e, f, g, h, closing) & outside
    const closeCount = <i32>popcnt(closes)
    if (depth > closeCount) {
      // In any order the depth stays above zero in this block.
      depth += <i32>popcnt(opens) - closeCount
      continue
    }
    const commas = equal(a, b, c, d, comma) & outside
    let brackets = opens | closes
    if (depth === 0) {
      // The bytes before the value, or all after it.
      const before = closed ? u64.MAX_VALUE : (brackets & (0 - brackets)) - 1
      if (((commas | brackets) & before) !== 0) return false
    }
    if (depth === 0 && closes !== 0 && opens < (closes & (0 - closes))) {
      // Every opening bracket comes before the first closing one: true of most flat messages.
      depth = <i32>popcnt(opens) - closeCount
      if (depth > 0) continue
      if (depth < 0 || commas > closes) return false
      closed = true
      continue
    }
    while (brackets !== 0) {
      const bit = brackets & (0 - brackets)
      brackets ^= bit
      if ((bit & opens) !== 0) {
        depth++
      } else if (--depth <= 0) {
        if (depth < 0 || brackets !== 0 || (commas & ~(bit | (bit - 1))) !== 0) return false
        closed = true
      }
    }
  }
  return depth === 0 && inside === 0
}

/** Tells whether every byte in [at, end) is ASCII. Loads up to 15 bytes past the end. */
export function allAscii(at: usize, end: usize): bool {
  let seen = i8x16.splat(0)
  for (; at + 64 <= end; at += 64) {
    seen = v128.or(
      v128.or(seen, v128.or(v128.load(at), v128.load(at, 16))),
      v128.or(v128.load(at, 32), v128.load(at, 48))
    )
  }
  if (i8x16.bitmask(seen) !== 0) return false
  for (; at < end; at += 16) {
    const left = end - at
    const valid: i32 = left >= 16 ? 0xffff : (1 << (<i32>left)) - 1
    if ((i8x16.bitmask(v128.load(at)) & valid) !== 0) return false
  }
  return true
}
