import { type Fields, gap, TYPES } from './fields.js'

const METHOD_CALL = 1
const PROTOCOL = 1

export function u32(number: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(number)
  return bytes
}

export function string(text: string): Buffer {
  return Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(`${text}\0`)])
}

/** Lengthens bytes to a place where a structure may begin: so far, too, any argument may. */
export function pad(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(gap(bytes.length))])
}

/** Makes a method call. */
export function pack(serial: number, fields: Fields, args: Buffer): Buffer {
  let packed = Buffer.alloc(0)
  for (const [name, value] of Object.entries(fields)) packed = Buffer.concat([pad(packed), field(name, value)])
  const head = Buffer.from(['l'.charCodeAt(0), METHOD_CALL, 0, PROTOCOL])
  return Buffer.concat([pad(Buffer.concat([head, u32(args.length), u32(serial), u32(packed.length), packed])), args])
}

function field(name: string, value: string | number): Buffer {
  const [code, type] = TYPES[name as keyof Fields]
  const head = Buffer.from([code, 1, type.charCodeAt(0), 0])
  if (typeof value === 'number') return Buffer.concat([head, u32(value)])
  // The length of a signature is one byte.
  return Buffer.concat([head, u32(value.length).subarray(0, type === 'g' ? 1 : 4), Buffer.from(`${value}\0`)])
}
