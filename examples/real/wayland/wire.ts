/** The bytes of Wayland's requests and events (the protocol's "Wire Format"). */

/** The object and the request's or event's code, and the size in the upper half of the same number. */
const HEADER_BYTES = 8

export interface Event {
  object: number
  code: number
  args: Buffer
}

/** A number takes four bytes. A text follows its length, which counts the NUL, and fills a multiple of four. */
function bytesOf(args: readonly (number | string)[]): Buffer {
  const parts = args.map((arg) => {
    const text = typeof arg === 'string' ? Buffer.from(`${arg}\0`) : Buffer.alloc(0)
    const bytes = Buffer.alloc(4 + Math.ceil(text.length / 4) * 4)
    bytes.writeUInt32LE(typeof arg === 'string' ? text.length : arg)
    text.copy(bytes, 4)
    return bytes
  })
  return Buffer.concat(parts)
}

export function request(object: number, code: number, args: readonly (number | string)[]): Buffer {
  const bytes = bytesOf(args)
  return Buffer.concat([bytesOf([object, ((HEADER_BYTES + bytes.length) << 16) | code]), bytes])
}

/** Returns the events that are there whole, and how many bytes they take. */
export function eventsIn(bytes: Buffer): { events: Event[]; taken: number } {
  const events: Event[] = []
  let taken = 0
  while (bytes.length - taken >= HEADER_BYTES) {
    const size = bytes.readUInt16LE(taken + 6)
    if (bytes.length - taken < size) break
    const args = Buffer.from(bytes.subarray(taken + HEADER_BYTES, taken + size))
    events.push({ object: bytes.readUInt32LE(taken), code: bytes.readUInt16LE(taken + 4), args })
    taken += size
  }
  return { events, taken }
}
