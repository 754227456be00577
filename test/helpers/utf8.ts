// Bytes that a reader of UTF-8 may get wrong (RFC 3629, section 3; the Unicode standard, table 3-7).

/** The first and the last character of each length and next to each gap, and some with a special meaning. */
export const wellFormed: readonly Buffer[] = [
  ...[0x00, 0x01, 0x1f, 0x7f, 0x80, 0x85, 0xa0, 0xe9, 0x7ff, 0x800, 0xfff, 0x1000, 0x2028, 0x20ac, 0xd7ff, 0xe000],
  ...[0xfeff, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x1f600, 0xfffff, 0x100000, 0x10ffff],
].map((point) => Buffer.from(String.fromCodePoint(point)))

/** Bytes that are not the encoding of any character. */
export const illFormed: readonly Buffer[] = [
  // Continuation bytes alone.
  ...['80', 'bf', '8080', 'a980'],
  // Truncated characters.
  ...['c3', 'e2', 'e282', 'f0', 'f09f', 'f09f98', 'f4', 'f48fbf', 'c3c3', 'e2e282', 'f09f98f0'],
  // Overlong encodings.
  ...['c080', 'c081', 'c0a2', 'c1bf', 'e08080', 'e080a2', 'e09fbf', 'f0808080', 'f08080a2', 'f08fbfbf'],
  // Surrogates, alone and in pairs.
  ...['eda080', 'edadbf', 'edb080', 'edbfbf', 'eda0bdedb880', 'edb880eda0bd'],
  // Past U+10FFFF, and invalid first bytes.
  ...['f4908080', 'f5808080', 'f7bfbfbf', 'f888808080', 'fc8480808080', 'fe', 'ff', 'fffe', 'feff'],
].map((hex) => Buffer.from(hex, 'hex'))
