import { type Fields, gap, HEADER_BYTES, TYPES } from './fields.js'

/** Returns how long the message at the beginning of these bytes is; undefined if too few are there. */
export function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const header = HEADER_BYTES + bytes.readUInt32LE(12)
  return header + gap(header) + bytes.readUInt32LE(4)
}

/** Reads a message: those of its fields that are known here, and its arguments. */
export function unpack(bytes: Buffer): { fields: Fields; args: Buffer } {
  const fields: Record<string, string | number> = {}
  const end = HEADER_BYTES + bytes.readUInt32LE(12)
  let at = HEADER_BYTES
  while (at < end) {
    const code = bytes[at]
    const type = String.fromCharCode(bytes[at + 2] as number)
    const name = Object.entries(TYPES).find(([, known]) => known[0] === code)?.[0]
    // A number, or a text after its length.
    const number = type === 'g' ? (bytes[at + 4] as number) : bytes.readUInt32LE(at + 4)
    const text = at + (type === 'g' ? 5 : 8)
    const next = type === 'u' ? text : text + number + 1
    if (name !== undefined) fields[name] = type === 'u' ? number : bytes.toString('utf8', text, text + number)
    at = next + gap(next)
  }
  return { fields, args: bytes.subarray(end + gap(end)) }
}
