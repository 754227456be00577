import type { WormholeErrorCode } from 'wormhole-ipc'

// The wire format again, written the obvious way: one frame at a time, everything copied. The results of the
// WebAssembly code are compared with this.

export const HEADER_BYTES = 8

/** The longest message of any endpoint; a stream whose header says more is out of step. */
const LONGEST_MESSAGE = 512n * 1024n * 1024n

/** The result for one frame. `received` is what the error carries. */
export type Outcome = { value: unknown } | { code: WormholeErrorCode; received: unknown }

/** Makes a frame of this payload; `length` is what its header says, if that is to be wrong. */
export function frame(payload: string | Uint8Array, length?: bigint): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeBigUInt64LE(length ?? BigInt(bytes.length))
  return Buffer.concat([header, bytes])
}

export function frames(payloads: readonly (string | Uint8Array)[]): Buffer {
  return Buffer.concat(payloads.map((payload) => frame(payload)))
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function decodePayload(payload: Uint8Array): Outcome {
  let text: string
  try {
    text = utf8.decode(payload)
  } catch {
    return { code: 'ERR_WORMHOLE_MALFORMED', received: Buffer.from(payload) }
  }
  try {
    return { value: JSON.parse(text) }
  } catch {
    return { code: 'ERR_WORMHOLE_MALFORMED', received: text }
  }
}

const TOO_LARGE: Outcome = { code: 'ERR_WORMHOLE_TOO_LARGE', received: undefined }

/** The whole frames, and the bytes after the last of them. */
export interface Decoded {
  outcomes: Outcome[]
  rest: Buffer
  /** What the header in `rest` says; undefined without a whole header. */
  declared: bigint | undefined
}

export function decodePacket(packet: Buffer, limit: number): Decoded {
  const outcomes: Outcome[] = []
  let rest = packet
  while (rest.length >= HEADER_BYTES) {
    const declared = rest.readBigUInt64LE()
    if (declared > BigInt(rest.length - HEADER_BYTES)) return { outcomes, rest, declared }
    const end = HEADER_BYTES + Number(declared)
    outcomes.push(declared > BigInt(limit) ? TOO_LARGE : decodePayload(rest.subarray(HEADER_BYTES, end)))
    rest = rest.subarray(end)
  }
  return { outcomes, rest, declared: undefined }
}

/** Reads frames from a byte stream that may be cut anywhere. */
export class StreamDecoder {
  #held: Buffer = Buffer.alloc(0)
  /** Bytes of a refused message that have not arrived. */
  #skip = 0
  #lost = false

  constructor(readonly limit: number) {}

  /** Returns the results that are complete once these bytes have arrived too. */
  push(chunk: Uint8Array): Outcome[] {
    if (this.#lost) return []
    this.#held = Buffer.concat([this.#held, chunk])
    const outcomes: Outcome[] = []
    for (;;) {
      this.#pass()
      const decoded = decodePacket(this.#held, this.limit)
      outcomes.push(...decoded.outcomes)
      this.#held = decoded.rest
      const { declared } = decoded
      if (declared === undefined || declared <= BigInt(this.limit)) return outcomes
      if (declared > LONGEST_MESSAGE) {
        this.#lost = true
        outcomes.push({ code: 'ERR_WORMHOLE_MALFORMED', received: undefined })
        return outcomes
      }
      outcomes.push(TOO_LARGE)
      this.#skip = HEADER_BYTES + Number(declared)
    }
  }

  /** Returns the results if the stream ends here. */
  end(): Outcome[] {
    const gone: Outcome = { code: 'ERR_WORMHOLE_DISCONNECTED', received: undefined }
    const broken: Outcome = { code: 'ERR_WORMHOLE_TRUNCATED', received: undefined }
    return this.#lost || this.#held.length === 0 ? [gone] : [broken, gone]
  }

  #pass(): void {
    const passed = Math.min(this.#skip, this.#held.length)
    this.#held = this.#held.subarray(passed)
    this.#skip -= passed
  }
}
