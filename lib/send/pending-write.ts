import type { EndContext } from '../fd/end-context.js'
import { FrameBatch, FrameHeader, type OutgoingBytes, PayloadText, PLACEHOLDER } from '../wire/outbox.js'
import type { PacketLimits } from './packet-limits.js'
import type { SendRequest } from './send-request.js'
import { SideWriter } from './side-writer.js'

/** The next bytes to send: the first requests of a queue, or part of one. */
export class PendingWrite {
  private constructor(
    readonly bytes: OutgoingBytes,
    /** Requests that are in it whole. */
    readonly requests: number,
    /** Units of the first request's batch, if only a part of it is in it; else 0. */
    readonly part: number,
    /** The side stream of a long message's payload. */
    readonly side: SideWriter | null
  ) {}

  /** Takes the first request and, if `coalesce`, those after it that share its packet. */
  static together(first: SendRequest, coalesce: boolean, limits: PacketLimits): PendingWrite {
    let { batch, count } = first
    if (count > 1 && batch.length > limits.packetUnits) return PendingWrite.partOf(batch, limits.packetUnits)
    let requests = 1
    if (coalesce && first.transfer === null) {
      for (let next = first.next; next !== null; next = next.next) {
        if (next.transfer !== null || next.longBytes > 0) break
        if (!limits.fits(count + next.count, batch.length + next.batch.length)) break
        batch += next.batch
        count += next.count
        requests++
      }
    }
    return new PendingWrite(new FrameBatch(batch), requests, 0, null)
  }

  /** Takes as many of a batch's frames as fit, at least one: the packet limit has shrunk since it was made. */
  private static partOf(batch: string, max: number): PendingWrite {
    let part = batch.lastIndexOf(PLACEHOLDER, max)
    if (part <= 0) part = batch.indexOf(PLACEHOLDER, PLACEHOLDER.length)
    return new PendingWrite(new FrameBatch(batch.slice(0, part)), 0, part, null)
  }

  /** Takes a long message by itself, its frame in pieces: for a byte stream. */
  static alone(first: SendRequest): PendingWrite {
    return new PendingWrite(new PayloadText(first.batch, first.longBytes), 1, 0, null)
  }

  /** Takes a long message's header; its payload goes over a side stream. Throws if that cannot be made. */
  static aside(first: SendRequest, end: EndContext): PendingWrite {
    const side = first.prepared ?? new SideWriter(first.batch, end)
    first.prepared = null
    try {
      side.write()
    } catch (error) {
      side.abandon()
      throw error
    }
    return new PendingWrite(new FrameHeader(first.longBytes), 1, 0, side)
  }

  /** The descriptors to send with the next byte. */
  fds(first: SendRequest): number[] | null {
    if (this.bytes.begun) return null
    const fds = this.requests > 0 ? (first.transfer?.fds ?? null) : null
    if (this.side === null) return fds
    return fds === null ? [this.side.reader.fd] : [...fds, this.side.reader.fd]
  }

  /** How many messages a part holds. */
  get partMessages(): number {
    return (this.bytes as FrameBatch).batch.split(PLACEHOLDER).length - 1
  }

  includes(request: SendRequest, first: SendRequest | null): boolean {
    for (let index = 0; index < Math.max(this.requests, 1); index++) {
      if (first === request) return true
      first = first?.next ?? null
    }
    return false
  }
}
