import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'

const SIGNATURE_BYTES = 8
/** Of a chunk: its length and type before its data, and a checksum after that. */
const [CHUNK_HEAD, CHUNK_TAIL] = [8, 4]
/** Bytes of a pixel by the colour type: red, green and blue, and with alpha. */
const PIXEL_BYTES: Record<number, number> = { 2: 3, 6: 4 }

/** What each filter of a line predicts from the bytes to the left, above, and above to the left (PNG specification, 9). */
const predictions: ((left: number, up: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, up) => up,
  (left, up) => (left + up) >> 1,
  (left, up, corner) => {
    const [a, b, c] = [up - corner, left - corner, up + left - 2 * corner].map(Math.abs) as [number, number, number]
    return a <= b && a <= c ? left : b <= c ? up : corner
  },
]

/** Counts the pixels of each colour (RRGGBB) in a PNG of eight bits for each of red, green and blue, with or without alpha. */
export function pixelsIn(file: string): Map<string, number> {
  const png = readFileSync(file)
  const data: Buffer[] = []
  for (let at = SIGNATURE_BYTES; at < png.length; at += CHUNK_HEAD + CHUNK_TAIL + png.readUInt32BE(at)) {
    const body = at + CHUNK_HEAD
    if (png.toString('latin1', at + 4, body) === 'IDAT') data.push(png.subarray(body, body + png.readUInt32BE(at)))
  }
  const width = png.readUInt32BE(SIGNATURE_BYTES + CHUNK_HEAD)
  const size = PIXEL_BYTES[png[SIGNATURE_BYTES + CHUNK_HEAD + 9] as number] as number
  const raw = inflateSync(Buffer.concat(data))
  const counts = new Map<string, number>()
  let above = Buffer.alloc(size * width)
  for (let at = 0; at < raw.length; at += 1 + size * width) {
    const predict = predictions[raw[at] as number] as (typeof predictions)[number]
    const line = Buffer.from(raw.subarray(at + 1, at + 1 + size * width))
    for (const [index, byte] of line.entries()) {
      line[index] = byte + predict(line[index - size] ?? 0, above[index] as number, above[index - size] ?? 0)
    }
    for (let pixel = 0; pixel < line.length; pixel += size) {
      const colour = line.toString('hex', pixel, pixel + 3)
      counts.set(colour, (counts.get(colour) ?? 0) + 1)
    }
    above = line
  }
  return counts
}
