import { Buffer } from '../core/globals.js'
import type { Descriptor } from '../fd/descriptor.js'
import type { EndContext } from '../fd/end-context.js'
import * as socket from '../os/syscalls.js'
import { tooLarge } from '../wire/json.js'
import { frame, OUTBOX_BYTES, PLACEHOLDER } from '../wire/outbox.js'
import { HEADER_BYTES } from '../wire/wasm.js'
import { SendRequest } from './send-request.js'

/** Many messages share a packet of at most this many UTF-16 units: a longer one gains little (docs/architecture.md). */
export const BATCH_UNITS = 32 * 1024
/** Up to this many messages share a packet of up to `FEW_UNITS`: each packet may have to wake its reader. */
export const FEW_MESSAGES = 64
/** At two bytes a unit their text stays under 128 KiB, past which V8 gives every string pages of its own. */
const FEW_UNITS = 60 * 1024
/** One UTF-16 unit becomes at most this many bytes of UTF-8. */
const BYTES_PER_UNIT = 3

/** Decides what fits into a packet of one socket, and what is too long for it or for the channel. */
export class PacketLimits {
  readonly #descriptor: Descriptor
  readonly #maxMessageBytes: number
  /** Bytes of the longest packet, headers included; on a SOCK_STREAM socket, of one write through the outbox. */
  longest: number
  /** Units of one text that surely fits a packet and the channel, whatever its characters. */
  surelyUnits: number

  /** @param packets whether it is a SOCK_SEQPACKET socket */
  constructor(
    end: EndContext,
    readonly packets: boolean
  ) {
    this.#descriptor = end.descriptor
    this.#maxMessageBytes = end.settings.maxMessageBytes
    this.longest = this.#read()
    this.surelyUnits = this.#surelyUnits()
  }

  /** Units of text, placeholders included, that surely fit into one packet. */
  get packetUnits(): number {
    return Math.floor(this.longest / BYTES_PER_UNIT)
  }

  /** Max units of up to `FEW_MESSAGES` messages in one packet; a single message with more shares none. */
  get fewUnits(): number {
    return Math.min(FEW_UNITS, this.packetUnits)
  }

  /** Max units of any number of messages in one packet. */
  get batchUnits(): number {
    return Math.min(BATCH_UNITS, this.packetUnits)
  }

  /** Whether this many messages, with this many units (placeholders included), are to share a packet. */
  fits(messages: number, units: number): boolean {
    return units <= (messages <= FEW_MESSAGES ? this.fewUnits : this.batchUnits)
  }

  /** Units of one text that is surely not longer than `maxMessageBytes`. */
  get surelyAllowedUnits(): number {
    return Math.floor(this.#maxMessageBytes / BYTES_PER_UNIT)
  }

  /** Whether one message surely fits a packet and the channel, whatever its characters. */
  surelyFits(text: string): boolean {
    return text.length <= this.surelyUnits
  }

  /** Whether a text may join a batch of this many messages and units: it is surely allowed, and all fit one packet. */
  joins(text: string, messages: number, units: number): boolean {
    const { length } = text
    if (length > this.surelyAllowedUnits || length + PLACEHOLDER.length > this.fewUnits) return false
    return this.fits(messages + 1, units + PLACEHOLDER.length + length)
  }

  /** Checks a message's text against the limits and makes its request. Throws ERR_WORMHOLE_TOO_LARGE. */
  request(text: string): SendRequest {
    if (this.surelyFits(text)) return new SendRequest(frame(text), 1, 0, this.longest)
    const bytes = Buffer.byteLength(text)
    if (bytes > this.#maxMessageBytes) throw tooLarge(bytes, this.#maxMessageBytes)
    const long = bytes + HEADER_BYTES > this.longest
    return new SendRequest(long ? text : frame(text), 1, long ? bytes : 0, this.longest)
  }

  /** Makes a request of several texts, each after a placeholder, that `fits` one packet. */
  batch(batch: string, count: number): SendRequest {
    return new SendRequest(batch, count, 0, this.longest)
  }

  /** Max descriptors of one message: a long one needs room for the reading end of its side stream. */
  maxFds(request: SendRequest): number {
    return request.longBytes > 0 && this.packets ? socket.SCM_MAX_FD - 1 : socket.SCM_MAX_FD
  }

  /** Reads the limit again; true if SO_SNDBUF was made smaller since it was last read. */
  shrunk(): boolean {
    const before = this.longest
    try {
      this.longest = this.#read()
    } catch {
      return false
    }
    this.surelyUnits = this.#surelyUnits()
    return this.longest < before
  }

  #surelyUnits(): number {
    return Math.floor((Math.min(this.longest, this.#maxMessageBytes) - HEADER_BYTES) / BYTES_PER_UNIT)
  }

  #read(): number {
    return this.packets ? Math.min(socket.longestPacket(this.#descriptor.fd), OUTBOX_BYTES) : OUTBOX_BYTES
  }
}
