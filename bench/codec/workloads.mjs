import { message } from './messages.mjs'

/**
 * Bytes that a sample works on: packets enough to be worth a look at the clock, few enough that a busy machine seldom
 * cuts in.
 */
export const AREA_BYTES = 256 * 1024

/** What a variant's area must hold: packets, and one message too long to share one. */
export function areaBytes(longestMessage) {
  return 2 * AREA_BYTES + longestMessage
}

/**
 * What is timed of one variant with one message: names of operations, each with `prepare`, which is not timed, and
 * `run`, which handles `messages` messages. Packets hold as many frames as fit `packetBytes`, at least one.
 */
export async function workloads(variant, bytes, packetBytes) {
  const codec = await import(`./codec.mjs?${encodeURIComponent(variant.name)}`)
  const { layout, view, area } = variant
  const { HEADER_BYTES, PLACEHOLDER } = layout
  const placeholder = String.fromCharCode(PLACEHOLDER.value).repeat(HEADER_BYTES.value)
  const value = message(bytes)
  const text = placeholder + JSON.stringify(value)
  const perPacket = Math.max(1, Math.floor(packetBytes / text.length))
  const length = perPacket * text.length
  // One byte between two packets: the array's closing bracket.
  const stride = length + 1
  const packets = Math.max(1, Math.floor(AREA_BYTES / stride))
  const unsealed = Buffer.from(text.repeat(perPacket))
  const sealed = Buffer.alloc(length)

  const fill = (packet) => {
    for (let index = 0; index < packets; index++) view.set(packet, area + index * stride)
  }
  const each = (run) => () => {
    for (let index = 0; index < packets; index++) run(area + index * stride)
  }
  const found = { at: 0, end: 0, ascii: true }

  fill(unsealed)
  codec.seal(variant, area, length)
  sealed.set(view.subarray(area, area + length))

  return {
    messages: packets * perPacket,
    operations: {
      encode: {
        prepare: () => undefined,
        run: each((at) => {
          let batch = ''
          for (let index = 0; index < perPacket; index++) batch += placeholder + JSON.stringify(value)
          codec.encode(variant, batch, at)
        }),
      },
      'encode, framing alone': {
        prepare: () => fill(unsealed),
        run: each((at) => codec.seal(variant, at, length)),
      },
      decode: {
        prepare: () => fill(sealed),
        run: each((at) => {
          if (codec.decode(variant, at, length).length !== perPacket) throw new Error('messages are missing')
        }),
      },
      'decode, framing alone': {
        prepare: () => fill(sealed),
        run: each((at) => codec.unframe(variant, at, length, found)),
      },
    },
  }
}
