import { Buffer } from '../core/globals.js'
import type { Descriptor } from '../fd/descriptor.js'
import type { EndContext } from '../fd/end-context.js'
import * as socket from '../os/syscalls.js'
import { tooLarge } from '../wire/json.js'
import { frame, OUTBOX_BYTES } from '../wire/outbox.js'
import { HEADER_BYTES } from '../wire/wasm.js'
import { SendRequest } from './send-request.js'

/** UTF-16 units of text that share a packet: past 32 KiB a packet of many gains little (docs/architecture.md). */
export const BATCH_UNITS = 32 * 1024
/** As few messages as this share a packet of up to so many units: each packet may have to wake its reader. */
export const FEW_MESSAGES = 64
/** With two bytes to a unit their text stays under 128 KiB, past which V8 gives every string pages of its own. */
const FEW_UNITS = 60 * 1024
/** Most bytes of UTF-8 that one UTF-16 unit becomes. */
const BYTES_PER_UNIT = 3

/** What fits into a packet of one socket, and what is too long for it or for the channel. */
export class PacketLimits {
  readonly #descriptor: Descriptor
  readonly #maxMessageBytes: number
  /** The longest packet, headers included; on a SOCK_STREAM socket what goes through the outbox at once. */
  longest: number

  /** @param packets whether it is a SOCK_SEQPACKET socket */
  constructor(
    end: EndContext,
    readonly packets: boolean
  ) {
    this.#descriptor = end.descriptor
    this.#maxMessageBytes = end.settings.maxMessageBytes
    this.longest = this.#read()
  }

  /** Units of text, placeholders included, that surely fit one packet together. */
  get packetUnits(): number {
    return Math.floor(this.longest / BYTES_PER_UNIT)
  }

  /** As many as a few messages may have together, and one that shares at all. */
  get fewUnits(): number {
    return Math.min(FEW_UNITS, this.packetUnits)
  }

  /** As many as any number of messages may have together. */
  get batchUnits(): number {
    return Math.min(BATCH_UNITS, this.packetUnits)
  }

  /** Whether so many messages, of so many units with their placeholders, are to share a packet. */
  fits(messages: number, units: number): boolean {
    return units <= (messages <= FEW_MESSAGES ? this.fewUnits : this.batchUnits)
  }

  /** Units of one text that is surely not longer than `maxMessageBytes`. */
  get surelyAllowedUnits(): number {
    return Math.floor(this.#maxMessageBytes / BYTES_PER_UNIT)
  }

  /** Whether one message surely fits a packet, and the channel, whatever characters it has. */
  surelyFits(text: string): boolean {
    const max = BYTES_PER_UNIT * text.length + HEADER_BYTES
    return max <= this.longest && max <= this.#maxMessageBytes
  }

  /** Checks one message's text against the limits and makes its request. */
  request(text: string): SendRequest {
    if (this.surelyFits(text)) return new SendRequest(frame(text), 1, 0, this.longest)
    const bytes = Buffer.byteLength(text)
    if (bytes > this.#maxMessageBytes) throw tooLarge(bytes, this.#maxMessageBytes)
    const long = bytes + HEADER_BYTES > this.longest
    return new SendRequest(long ? text : frame(text), 1, long ? bytes : 0, this.longest)
  }

  /** A request of several texts, each behind a placeholder, `mostUnits` in all at most. */
  batch(batch: string, count: number): SendRequest {
    return new SendRequest(batch, count, 0, this.longest)
  }

  /** Most descriptors of one message: a long one needs room for the reading end of its side stream. */
  maxFds(request: SendRequest): number {
    return request.longBytes > 0 && this.packets ? socket.SCM_MAX_FD - 1 : socket.SCM_MAX_FD
  }

  /** Whether somebody made SO_SNDBUF smaller since it was read last. */
  shrunk(): boolean {
    const before = this.longest
    try {
      this.longest = this.#read()
    } catch {
      return false
    }
    return this.longest < before
  }

  #read(): number {
    return this.packets ? Math.min(socket.longestPacket(this.#descriptor.fd), OUTBOX_BYTES) : OUTBOX_BYTES
  }
}
