import { message, sizes, wideMessage, wideSizes } from './messages.mjs'

/**
 * Bytes that a sample works on: packets enough to be worth a look at the clock, few enough that a busy machine seldom
 * cuts in.
 */
export const AREA_BYTES = 256 * 1024

/** What a variant's area must hold: packets, and one message too long to share one. */
export function areaBytes(longestMessage) {
  return 2 * AREA_BYTES + longestMessage
}

/** The messages of every row: `operations` are those of their workload that are timed. */
export const subjects = [
  ...sizes.map((bytes) => ({
    value: message(bytes),
    bytes,
    operations: ['encode', 'encode, framing alone', 'decode', 'decode, framing alone'],
  })),
  ...wideSizes.map((bytes) => ({
    value: wideMessage(bytes),
    bytes,
    operations: ['wide, toString', 'wide, widened', 'wide text, toString', 'wide text, widened'],
  })),
]

/**
 * What can be timed of one variant with one message of `bytes` bytes: names of operations, each with `prepare`, which is
 * not timed, and `run`, which handles `messages` messages. Packets hold as many frames as fit `packetBytes`, at least one.
 */
export async function workloads(variant, { value, bytes }, packetBytes) {
  const codec = await import(`./codec.mjs?${encodeURIComponent(variant.name)}`)
  const { view, area, placeholder } = variant
  const frame = placeholder.length + bytes
  const perPacket = Math.max(1, Math.floor(packetBytes / frame))
  const length = perPacket * frame
  const packets = Math.max(1, Math.floor(AREA_BYTES / length))
  const values = Array(perPacket).fill(value)
  const unsealed = Buffer.from((placeholder + JSON.stringify(value)).repeat(perPacket))
  const sealed = Buffer.alloc(length)

  const fill = (packet) => {
    for (let index = 0; index < packets; index++) view.set(packet, area + index * length)
  }
  const each = (run) => () => {
    for (let index = 0; index < packets; index++) run(area + index * length)
  }
  const nothing = () => undefined
  // All that is read stands in the area, and reading leaves it as it was.
  const reading = (run) => ({ prepare: () => fill(sealed), run: each(run) })
  const decoding = (widens) =>
    reading((at) => {
      if (codec.decode(variant, at, length, widens).length !== perPacket) throw new Error('messages are missing')
    })

  fill(unsealed)
  codec.seal(variant, area, length)
  sealed.set(view.subarray(area, area + length))

  return {
    messages: packets * perPacket,
    operations: {
      encode: { prepare: nothing, run: each((at) => codec.encode(variant, values, at)) },
      'encode, framing alone': {
        prepare: () => fill(unsealed),
        run: each((at) => codec.seal(variant, at, length)),
      },
      decode: decoding(false),
      'decode, framing alone': reading((at) => codec.unframe(variant, at, length)),
      'wide, toString': decoding(false),
      'wide, widened': decoding(true),
      'wide text, toString': reading((at) => codec.readText(variant, at, length, false)),
      'wide text, widened': reading((at) => codec.readText(variant, at, length, true)),
    },
  }
}
