import { now } from '../core/clock.js'
import { Buffer, clearTimeout, Promise, setTimeout } from '../core/globals.js'
import type { EndState } from '../fd/end-context.js'
import type { LeasedBatch } from './leased-batch.js'
import { LeasedPacket } from './leased-packet.js'
import type { RemoteSettings } from './options.js'
import { join, parse } from './packet.js'
import { PacketPublisher } from './packet-publisher.js'
import type { Remote } from './remote.js'

/** What is sent to a packet's reply subject (docs.nats.io, "JetStream model deep dive"). */
const ACK = '+ACK'
const NAK = '-NAK'
const WORKING = '+WPI'

/** A lease is renewed this many times before it is over. */
const RENEWALS = 3
/** Acknowledged packets that are remembered: one that comes again is acknowledged again. */
const REMEMBERED = 1024
/** A message of a packet. */
export interface Place {
  packet: LeasedPacket
  index: number
}

/** The packets that a receiver has not acknowledged: renews their leases, acknowledges them, and gives them back. */
export class Holdings {
  /** The packet whose messages are in the batch. */
  current: LeasedPacket | null = null
  /** Who takes next: a loop; null: a call, whose message is done with when it has it. */
  taker: object | null = null
  /** Messages of packets that came more than once. */
  redelivered = 0
  readonly #remote: Remote
  readonly #end: EndState & { readonly settings: RemoteSettings }
  readonly #leaseMs: number
  readonly #onIdle: () => void
  readonly #packets = new Map<string, LeasedPacket>()
  readonly #loops = new Map<object, Place[]>()
  readonly #acknowledged = new Set<string>()
  readonly #returns: PacketPublisher
  readonly #returning = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | undefined
  #used = 0
  #stopped = false

  /** @param onIdle called when nothing was taken for as long as a lease */
  constructor(
    remote: Remote,
    end: EndState & { readonly settings: RemoteSettings },
    leaseMs: number,
    onIdle: () => void
  ) {
    this.#remote = remote
    this.#end = end
    this.#leaseMs = leaseMs
    this.#onIdle = onIdle
    this.#returns = new PacketPublisher(remote, () => undefined)
  }

  add(packet: LeasedPacket): void {
    this.#packets.set(packet.id, packet)
    if (packet.deliveries > 1) this.redelivered += packet.count
    this.#used = now()
    this.#renewLater()
  }

  /** Whether a packet that comes is here already, or has been acknowledged: then it is not delivered again. */
  again(reply: string): boolean {
    const id = LeasedPacket.idOf(reply)
    const here = this.#packets.get(id)
    if (here?.renews === true) {
      here.reply = reply
      return true
    }
    if (!this.#acknowledged.has(id)) return false
    this.#acknowledge(id, reply)
    return true
  }

  /** Returns what is left to do of a packet that comes again as the leases of its messages are over; else `texts`. */
  unfinished(reply: string, texts: readonly string[]): readonly string[] {
    return this.#packets.get(LeasedPacket.idOf(reply))?.unfinished() ?? texts
  }

  /** Called by the batch when messages were taken, or put back: finds out which. */
  sync(batch: LeasedBatch): void {
    const packet = this.current
    if (packet === null) return
    const { position } = packet
    const next = packet.count - batch.left
    packet.position = next
    this.#used = now()
    for (let index = next; index < position; index++) this.#recall(packet, index)
    for (let index = position; index < next; index++) {
      if (this.taker === null) this.done(packet, index)
      else this.#lend(this.taker, packet, index)
    }
  }

  /** A loop asks for the next: what it had before is done with. */
  settle(loop: object): void {
    const places = this.#loops.get(loop)
    if (places === undefined) return
    this.#loops.delete(loop)
    for (const { packet, index } of places) {
      packet.busy--
      this.done(packet, index)
    }
  }

  /** A loop is left: what it had last comes again, to this receiver if it was the last to take. */
  leave(loop: object, batch: LeasedBatch): void {
    const places = this.#loops.get(loop)
    if (places === undefined) return
    for (const { packet, index } of places.reverse()) {
      if (packet === this.current && index === packet.position - 1) {
        batch.putBack(parse(packet.texts[index] as string, this.#end.settings.maxMessageBytes))
      } else {
        packet.busy--
        void this.returnSome(packet, [index])
      }
    }
    this.#loops.delete(loop)
  }

  /** The message that was taken last; null if that was none. */
  last(): Place | null {
    const packet = this.current
    if (packet === null) return null
    return { packet, index: packet.position - 1 }
  }

  done(packet: LeasedPacket, index: number): void {
    if (!packet.done(index) || !packet.finished) return
    this.#forget(packet)
    this.#acknowledge(packet.id, packet.reply)
  }

  /** Renews the lease of a packet by hand. */
  renew(packet: LeasedPacket): void {
    if (!packet.finished) this.#say(packet.reply, WORKING)
  }

  /** Gives back a packet that never was delivered here. */
  refuse(reply: string): void {
    const acknowledged = this.#acknowledged.has(LeasedPacket.idOf(reply))
    if (acknowledged) this.#say(reply, ACK)
    else this.#say(reply, NAK)
  }

  returnWhole(packet: LeasedPacket): void {
    this.#forget(packet)
    this.#say(packet.reply, NAK)
  }

  /**
   * Gives back some messages of a packet: the whole of it if that is all it has; else they go to the stream again as a packet
   * of their own, and those that are done with do not.
   */
  returnSome(packet: LeasedPacket, indexes: readonly number[]): Promise<void> {
    if (indexes.length === packet.count) {
      this.returnWhole(packet)
      return Promise.resolve()
    }
    const returning = this.#publishAgain(packet, indexes)
    this.#returning.add(returning)
    return returning.finally(() => this.#returning.delete(returning))
  }

  /** Gives back all that nobody has taken, and what loops have. */
  async giveBackAll(): Promise<void> {
    for (const [loop, places] of this.#loops) {
      for (const { packet, index } of places) {
        packet.busy--
        packet.wait(index)
      }
      this.#loops.delete(loop)
    }
    for (const packet of [...this.#packets.values()]) {
      const waiting = packet.waiting()
      if (waiting.length > 0) void this.returnSome(packet, waiting)
    }
    await Promise.all(this.#returning)
  }

  stop(): void {
    this.#stopped = true
    this.#returns.close()
    clearTimeout(this.#timer)
  }

  /** Renews all leases: the connection was lost, and renewals may have been with it. */
  renewAll(): void {
    // Not what was acknowledged: a server that was killed may give the number of a packet that was removed to a new one.
    for (const packet of this.#packets.values()) if (packet.renews) this.#say(packet.reply, WORKING)
  }

  #lend(loop: object, packet: LeasedPacket, index: number): void {
    packet.out(index)
    // A lease is no loop: it has nobody that settles it, and is renewed by hand.
    if (loop === BY_HAND) return
    packet.busy++
    const places = this.#loops.get(loop)
    if (places === undefined) this.#loops.set(loop, [{ packet, index }])
    else places.push({ packet, index })
  }

  /** A message was put back. */
  #recall(packet: LeasedPacket, index: number): void {
    packet.wait(index)
    for (const [loop, places] of this.#loops) {
      const kept = places.filter((place) => place.packet !== packet || place.index !== index)
      if (kept.length === places.length) continue
      packet.busy--
      this.#loops.set(loop, kept)
    }
  }

  async #publishAgain(packet: LeasedPacket, indexes: readonly number[]): Promise<void> {
    packet.busy++
    for (const index of indexes) packet.out(index)
    const texts = indexes.map((index) => packet.texts[index] as string)
    const id = `${this.#remote.stream}-${packet.id}-${packet.deliveries}-${indexes[0]}`
    const refusal = await this.#returns.publish(Buffer.from(join(texts)), texts.length, id)
    packet.busy--
    // Full: then what is done with comes again too.
    if (refusal === null) for (const index of indexes) this.done(packet, index)
    else this.returnWhole(packet)
  }

  #forget(packet: LeasedPacket): void {
    if (this.#packets.get(packet.id) === packet) this.#packets.delete(packet.id)
  }

  #acknowledge(id: string, reply: string): void {
    this.#say(reply, ACK)
    this.#acknowledged.delete(id)
    this.#acknowledged.add(id)
    if (this.#acknowledged.size <= REMEMBERED) return
    for (const oldest of this.#acknowledged) {
      this.#acknowledged.delete(oldest)
      break
    }
  }

  #say(reply: string, what: string): void {
    try {
      this.#remote.connection.publish(reply, what)
    } catch {
      // The connection is closed: the packet comes again, to somebody, after its lease.
    }
  }

  #renewLater(): void {
    if (this.#timer !== undefined || this.#stopped || this.#packets.size === 0) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      if (now() - this.#used > this.#leaseMs && this.#loops.size === 0) this.#onIdle()
      for (const packet of this.#packets.values()) if (packet.renews) this.#say(packet.reply, WORKING)
      this.#renewLater()
    }, this.#leaseMs / RENEWALS).unref()
  }
}

/** Takes for `lease()`. */
export const BY_HAND = {}
