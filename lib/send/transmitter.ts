import type { Endpoint } from '../channel/endpoint.js'
import { beginWait, type Counters, endWait } from '../core/counters.js'
import { disconnectedError, systemError, type WormholeError } from '../core/errors.js'
import { turnIsOver } from '../core/loop-budget.js'
import { beforeSend, failed, sent } from '../core/telemetry.js'
import type { Descriptor } from '../fd/descriptor.js'
import * as socket from '../os/syscalls.js'
import { disownOutbox, HEADER_BYTES, outboxAt, seal } from '../wire/inbox.js'
import { frame } from '../wire/outbox.js'
import type { Backlog } from './backlog.js'
import type { ChannelWatch } from './channel-watch.js'
import type { Sizing } from './packet-limits.js'
import { Flight } from './pending-write.js'
import type { Entry } from './send-request.js'
import type { SideStreams } from './side-streams.js'
import { SideWriter } from './side-writer.js'

/** Why transmitting stopped: nothing is left, there is no room now, or others are to have their turn first. */
export const DONE = 0
export const FULL = 1
export const TURN_OVER = 2
export type Stopped = typeof DONE | typeof FULL | typeof TURN_OVER

/** What a transmitter works with; all of one sender. */
export interface TransmitterContext {
  readonly owner: Endpoint
  readonly descriptor: Descriptor
  readonly counters: Counters
  readonly sizing: Sizing
  /** Whether sends of one tick share packets. */
  readonly coalesce: boolean
  readonly backlog: Backlog
  readonly sides: SideStreams
  readonly watch: ChannelWatch
}

/** Hands a sender's backlog to the kernel, in order, and settles its entries. */
export class Transmitter {
  readonly #owner: Endpoint
  readonly #descriptor: Descriptor
  readonly #counters: Counters
  readonly #sizing: Sizing
  readonly #coalesce: boolean
  readonly #backlog: Backlog
  readonly #sides: SideStreams
  readonly #watch: ChannelWatch
  #flight: Flight | null = null
  /** Why no more can be sent. */
  disconnected: WormholeError | null = null

  constructor({ owner, descriptor, counters, sizing, coalesce, backlog, sides, watch }: TransmitterContext) {
    this.#owner = owner
    this.#descriptor = descriptor
    this.#counters = counters
    this.#sizing = sizing
    this.#coalesce = coalesce
    this.#backlog = backlog
    this.#sides = sides
    this.#watch = watch
  }

  /** Hands over what the kernel takes without waiting. */
  transmit(evenIfTurnIsOver: boolean): Stopped {
    for (let first = this.#backlog.first; first !== null; first = this.#backlog.first) {
      if (this.#flight === null && !this.#load(first)) continue
      const flight = this.#flight as Flight | null
      if (flight === null) return FULL
      const { cargo } = flight
      cargo.load()
      const result = socket.send(this.#descriptor.fd, cargo.at, cargo.length, flight.fds(first))
      if (result === socket.EAGAIN) {
        if (this.#block()) return FULL
        continue
      }
      if (result < 0) {
        this.#explain(result)
        continue
      }
      endWait(this.#counters, this.#owner)
      const before = beforeSend(this.#counters)
      this.#countPacket(result)
      if (cargo.advance(result)) this.#complete(flight)
      if (before !== null) sent(this.#owner, before, this.#counters)
      if (this.#backlog.first !== null && !evenIfTurnIsOver && turnIsOver()) return TURN_OVER
    }
    return DONE
  }

  /**
   * Hands a short text over without an entry for it; false where something is before it, or the kernel has no room. Throws
   * what else the kernel says.
   *
   * @param fds descriptors that should be open at this moment
   */
  sendNow(text: string, fds: readonly number[] | null): boolean {
    const { fd } = this.#descriptor
    if (!this.#sizing.packets || this.#backlog.first !== null || !this.#sizing.isShort(text)) return false
    if (this.disconnected !== null || fd < 0) return false
    const length = seal(this, frame(text))
    const result = socket.send(fd, outboxAt(0), length, fds)
    disownOutbox(this)
    // A smaller buffer and a descriptor that is not open are found out, and told, on the way that entries take.
    if (result === socket.EAGAIN || result === socket.EMSGSIZE || result === socket.EBADF) return false
    if (result < 0) throw this.#refused(result)
    const before = beforeSend(this.#counters)
    this.#countPacket(result)
    this.#count(1, fds?.length ?? 0)
    if (before !== null) sent(this.#owner, before, this.#counters)
    return true
  }

  /** Writes a long message into a side stream ahead of its turn; false where the stream's buffer does not hold it whole. */
  prepare(entry: Entry): boolean {
    const side = new SideWriter(entry.batch, this.#descriptor)
    side.write()
    if (side.finished) entry.prepared = side
    else side.abandon()
    return side.finished
  }

  /** Drops what was readied, if `entry` is in it; false when the kernel has part of that. */
  release(entry: Entry): boolean {
    if (this.#flight?.includes(entry, this.#backlog.first) !== true) return true
    if (this.#flight.cargo.begun) return false
    this.#unload()
    return true
  }

  /** No more can be sent: everything in the backlog fails. */
  fail(error: WormholeError): void {
    this.disconnected = error
    failed(this.#owner, error)
    this.#settleWhole()
    this.#unload()
    for (let entry = this.#backlog.shift(); entry !== null; entry = this.#backlog.shift()) entry.settle(error)
    this.#watch.gone(error)
  }

  /** Readies the first entries; false when the first one failed, and left the backlog. */
  #load(first: Entry): boolean {
    this.#backlog.resize(first, this.#sizing.longest)
    if (first.longBytes === 0) {
      this.#flight = Flight.together(first, this.#coalesce, this.#sizing)
      return true
    }
    if (!this.#sizing.packets) {
      this.#flight = Flight.alone(first)
      return true
    }
    if (this.#sides.full) return true
    try {
      this.#flight = Flight.aside(first, this.#descriptor)
      return true
    } catch (error) {
      this.#backlog.remove(first)
      first.settle(error)
      failed(this.#owner, error)
      return false
    }
  }

  /** The kernel has all of a flight. */
  #complete(flight: Flight): void {
    this.#flight = null
    if (flight.part > 0) {
      const messages = flight.partMessages
      this.#backlog.shorten(this.#backlog.first as Entry, flight.part, messages)
      this.#count(messages, 0)
    }
    for (let index = 0; index < flight.entries; index++) {
      const entry = this.#backlog.shift() as Entry
      const fds = entry.transfer?.fds.length ?? 0
      if (flight.side === null) {
        this.#count(entry.count, fds)
        entry.settle()
      } else {
        this.#counters.bytes -= HEADER_BYTES
        this.#counters.fds += fds
        this.#sides.follow(flight.side, entry)
      }
    }
  }

  #countPacket(bytes: number): void {
    this.#counters.packets++
    this.#counters.bytes += bytes
  }

  /** Messages whose frames have been counted as a packet's bytes. */
  #count(messages: number, fds: number): void {
    this.#counters.messages += messages
    this.#counters.bytes -= messages * HEADER_BYTES
    this.#counters.fds += fds
  }

  /** Drops the flight; its entries are as they were, and can be readied anew. */
  #unload(): void {
    this.#flight?.side?.abandon()
    this.#flight = null
  }

  /** Waits for room; false when even that is not possible, and the flight's entries have failed. */
  #block(): boolean {
    try {
      this.#watch.block()
    } catch (error) {
      this.#drop(error as WormholeError)
      return false
    }
    // A blocking send that looks up now and then finds the channel still full: that is one wait.
    if (beginWait(this.#counters, this.#owner, 'full')) this.#counters.waits++
    return true
  }

  /** Deals with a failed sendmsg: the entries under way fail, or all, or are readied anew. */
  #explain(errno: number): void {
    if (errno === socket.EMSGSIZE && this.#sizing.shrunk()) {
      this.#unload()
      return
    }
    const error = this.#errorOf(errno)
    if (error.code === 'ERR_WORMHOLE_DISCONNECTED') this.fail(error)
    else this.#drop(error)
  }

  /** The same for a message that has no entry. */
  #refused(errno: number): WormholeError {
    const error = this.#errorOf(errno)
    if (error.code === 'ERR_WORMHOLE_DISCONNECTED') this.fail(error)
    else failed(this.#owner, error)
    return error
  }

  #errorOf(errno: number): WormholeError {
    if (errno === socket.EPIPE || errno === socket.ECONNRESET) {
      return disconnectedError('Sender', { errno, syscall: 'sendmsg' })
    }
    return systemError('sendmsg', errno, `cannot send on descriptor ${this.#descriptor.fd}`)
  }

  /** The entries under way fail; where the kernel has part of a frame, nothing can follow it. */
  #drop(error: WormholeError): void {
    const flight = this.#flight as Flight
    if (flight.cargo.begun) {
      this.fail(error)
      return
    }
    this.#unload()
    for (let index = 0; index < Math.max(flight.entries, 1); index++) {
      const entry = this.#backlog.shift() as Entry
      entry.settle(error)
    }
    failed(this.#owner, error)
  }

  /** A byte stream breaks off: messages of the flight that the kernel has whole were sent all the same. */
  #settleWhole(): void {
    let whole = this.#flight?.cargo.begun === true ? this.#flight.cargo.whole : 0
    this.#count(whole, 0)
    for (let entry = this.#backlog.first; entry !== null && entry.count <= whole; entry = this.#backlog.first) {
      whole -= entry.count
      this.#backlog.remove(entry)
      entry.settle()
    }
  }
}
