const SHUFFLE: usize = 16
const PATTERNS: usize = 256
/** The index by which a shuffle writes a 0. */
const NONE: u8 = 0x80

/** For each pattern of kept lanes, of eight with two bytes: the shuffle that moves these together. */
const keptLanes = makeTable()

function makeTable(): usize {
  const table = heap.alloc(PATTERNS * SHUFFLE)
  memory.fill(table, NONE, PATTERNS * SHUFFLE)
  for (let pattern: usize = 0; pattern < PATTERNS; pattern++) {
    let next = table + pattern * SHUFFLE
    for (let lane: usize = 0; lane < 8; lane++) {
      if (((pattern >> lane) & 1) === 0) continue
      store<u8>(next++, <u8>(2 * lane))
      store<u8>(next++, <u8>(2 * lane + 1))
    }
  }
  return table
}

/**
 * Writes the UTF-8 text in [at, end), which must be valid, to `target` as UTF-16; returns the units written. Loads
 * from 2 bytes before the text to 15 past its end, stores up to 31 bytes past the end of its output.
 *
 * Each step makes a unit from each of eight bytes and the two before it, keeps those at which a character ends, and
 * moves them together. A step always reads eight bytes, so that the processor can overlap steps.
 */
export function widen(at: usize, end: usize, target: usize): usize {
  let out = target
  while (end - at >= 16) {
    const block = v128.load(at)
    if (i8x16.bitmask(block) === 0) {
      v128.store(out, i16x8.extend_low_i8x16_u(block))
      v128.store(out, i16x8.extend_high_i8x16_u(block), 16)
      at += 16
      out += 32
      continue
    }
    const fours = i8x16.bitmask(i8x16.ge_u(block, i8x16.splat(<i8>0xf0)))
    if ((fours & 0xff) !== 0) {
      // A character that the last step began is read again from its first byte.
      const next = at + <usize>ctz(fours)
      while (continues(at)) at--
      do {
        out = widenOne(at, out)
        at += <usize>lengthOf(at)
      } while (at <= next)
      continue
    }
    const b0 = i16x8.extend_low_i8x16_u(block)
    const b1 = v128.load8x8_u(at - 1)
    const b2 = v128.load8x8_u(at - 2)
    const two = i16x8.splat(0xc0)
    const continuation = i16x8.splat(0x80)
    const c0 = i16x8.eq(v128.and(b0, two), continuation)
    const c1 = v128.and(c0, i16x8.eq(v128.and(b1, two), continuation))
    const middle = v128.and(i16x8.shl(v128.and(b1, i16x8.splat(0x3f)), 6), c0)
    const lead = v128.and(i16x8.shl(b2, 12), c1)
    const units = v128.or(v128.and(b0, i16x8.splat(0x7f)), v128.or(middle, lead))
    const ends = (~i8x16.bitmask(i8x16.lt_s(block, i8x16.splat(-64))) >> 1) & 0xff
    v128.store(out, i8x16.swizzle(units, v128.load(keptLanes + <usize>ends * SHUFFLE)))
    at += 8
    out += (<usize>popcnt(ends)) << 1
  }
  while (at < end && continues(at)) at--
  while (at < end) {
    out = widenOne(at, out)
    at += <usize>lengthOf(at)
  }
  return (out - target) >> 1
}

function continues(at: usize): bool {
  return (load<u8>(at) & 0xc0) === 0x80
}

/** Returns how many bytes the character at `at` has. */
function lengthOf(at: usize): u32 {
  const lead = load<u8>(at)
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
}

/** Writes the character at `at` as UTF-16; returns the address after it. */
function widenOne(at: usize, out: usize): usize {
  const length = lengthOf(at)
  let code = <u32>load<u8>(at)
  if (length === 2) {
    code = ((code & 0x1f) << 6) | (<u32>load<u8>(at, 1) & 0x3f)
  } else if (length === 3) {
    code = ((code & 0x0f) << 12) | ((<u32>load<u8>(at, 1) & 0x3f) << 6) | (<u32>load<u8>(at, 2) & 0x3f)
  } else if (length === 4) {
    code = ((code & 0x07) << 18) | ((<u32>load<u8>(at, 1) & 0x3f) << 12)
    code |= ((<u32>load<u8>(at, 2) & 0x3f) << 6) | (<u32>load<u8>(at, 3) & 0x3f)
    store<u16>(out, <u16>(0xd7c0 + (code >> 10)))
    store<u16>(out, <u16>(0xdc00 | (code & 0x3ff)), 2)
    return out + 4
  }
  store<u16>(out, <u16>code)
  return out + 2
}
