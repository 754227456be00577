// Takes the place of assembly/utf8.ts in a module without SIMD: the same units, a character at a time, or four of ASCII.

export function widen(at: usize, end: usize, target: usize): usize {
  let out = target
  while (at < end) {
    const lead = <u32>load<u8>(at)
    if (lead < 0x80) {
      for (; at + 4 <= end; at += 4, out += 8) {
        const bytes = <u64>load<u32>(at)
        if ((bytes & 0x80808080) !== 0) break
        const pairs = (bytes | (bytes << 16)) & 0x0000ffff0000ffff
        store<u64>(out, (pairs | (pairs << 8)) & 0x00ff00ff00ff00ff)
      }
      for (; at < end && load<u8>(at) < 0x80; out += 2) store<u16>(out, <u16>load<u8>(at++))
    } else if (lead < 0xe0) {
      store<u16>(out, <u16>(((lead & 0x1f) << 6) | rest(at, 1)))
      at += 2
      out += 2
    } else if (lead < 0xf0) {
      store<u16>(out, <u16>((lead << 12) | (rest(at, 1) << 6) | rest(at, 2)))
      at += 3
      out += 2
    } else {
      const code = ((lead & 0x07) << 18) | (rest(at, 1) << 12) | (rest(at, 2) << 6) | rest(at, 3)
      store<u16>(out, <u16>(0xd7c0 + (code >> 10)))
      store<u16>(out, <u16>(0xdc00 | (code & 0x3ff)), 2)
      at += 4
      out += 4
    }
  }
  return (out - target) >> 1
}

/** The six bits of a continuation byte. */
function rest(at: usize, index: usize): u32 {
  return <u32>load<u8>(at + index) & 0x3f
}
