import { disconnectedError, systemError, type WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { overBudget } from '../core/loop-budget.js'
import { beginWait, type Counters, endWait, failed, sent, type Traffic } from '../core/telemetry.js'
import type { Descriptor } from '../fd/descriptor.js'
import { type EndContext, OPEN, OVER } from '../fd/end-context.js'
import type { Waiting } from '../os/poller.js'
import * as socket from '../os/syscalls.js'
import { outbox, sealOne } from '../wire/outbox.js'
import { HEADER_BYTES } from '../wire/wasm.js'
import { ChannelWatch } from './channel-watch.js'
import type { PacketLimits } from './packet-limits.js'
import { PendingWrite } from './pending-write.js'
import { RequestQueue, type SendRequest } from './send-request.js'
import { SideStreams, type SideStreamsOwner } from './side-streams.js'
import { SideWriter } from './side-writer.js'

/** Why transmitting stopped: nothing is left, there is no room now, or the loop budget is spent. */
export const DONE = 0
const FULL = 1
export const OVER_BUDGET = 2
type Stopped = typeof DONE | typeof FULL | typeof OVER_BUDGET

/** The owner, told when a transmitter may go on, and when a long message was sent or has failed. */
type TransmitterOwner = Waiting & SideStreamsOwner

/** Sends one sender's requests to the kernel in order, and settles each once. The send queue decides when. */
export class Transmitter {
  readonly #end: EndContext
  readonly #descriptor: Descriptor
  readonly #counters: Counters
  readonly #limits: PacketLimits
  readonly #coalesce: boolean
  readonly requests = new RequestQueue()
  readonly #sides: SideStreams
  readonly #watch: ChannelWatch
  #pendingWrite: PendingWrite | null = null
  /** Why nothing more can be sent. */
  disconnected: WormholeError | null = null

  constructor(end: EndContext, limits: PacketLimits, owner: TransmitterOwner) {
    this.#end = end
    this.#descriptor = end.descriptor
    this.#counters = end.counters
    this.#limits = limits
    this.#coalesce = end.settings.coalesce
    this.#sides = new SideStreams(end, owner)
    this.#watch = new ChannelWatch(end, owner)
  }

  /** Messages that the kernel has not yet taken whole. */
  get pending(): number {
    return this.#sides.size + this.requests.messages
  }

  get idle(): boolean {
    return this.requests.first === null && this.#sides.size === 0
  }

  /** Whether the channel is full and requests wait for it. */
  get blocked(): boolean {
    return this.#watch.blocked
  }

  /** Whether anything waits for room, in the channel or in a side stream. */
  get waitsForRoom(): boolean {
    return this.#watch.blocked || this.#sides.size > 0
  }

  /** The descriptors that must become writable before more can be sent. */
  waitsFor(): number[] {
    const { fds } = this.#sides
    if (this.#watch.blocked || fds.length === 0) fds.push(this.#descriptor.fd)
    return fds
  }

  /** A promise for each request that waits now. */
  settled(): Promise<void>[] {
    const waiting = this.#sides.settled()
    for (let request = this.requests.first; request !== null; request = request.next) waiting.push(request.wait())
    return waiting
  }

  /** Applies a changed `keepsAlive` to what is watched. */
  rewatch(): void {
    this.#watch.rewatch()
    this.#sides.rewatch()
  }

  /** Ends the waits for the channel's end: the descriptor is about to be closed or moved. */
  endWaits(): void {
    this.#watch.endWaits()
  }

  /** Resolves once every receiving end is gone. */
  untilGone(signal: AbortSignal | undefined): Promise<void> {
    return this.disconnected === null ? this.#watch.untilGone(signal) : Promise.resolve()
  }

  /** Calls `callback` once every receiving end is gone, unless the returned function is called before. */
  whenGone(callback: (error: WormholeError) => void): () => void {
    if (this.disconnected === null) return this.#watch.whenGone(callback)
    callback(this.disconnected)
    return () => undefined
  }

  /** Stops waiting for room: there is some, or nothing needs it. */
  unblock(): void {
    this.#watch.unblock()
  }

  /** Sends what the side streams take without waiting. */
  pumpSides(onlyIfFull = false): void {
    if (!onlyIfFull || this.#sides.full) this.#sides.pump()
  }

  /** Withdraws a request; false if the kernel has part of its write. */
  withdraw(request: SendRequest, reason: unknown): boolean {
    if (request.settled || this.#sides.withdraw(request, reason)) return true
    if (!this.#release(request)) return false
    this.requests.remove(request)
    request.settle(reason)
    return true
  }

  /** Adds a short message to a request that is the last and not yet being sent; false if it needs a request of its own. */
  extend(request: SendRequest, text: string): boolean {
    if (request !== this.requests.last || this.#pendingWrite !== null || !this.#coalesce) return false
    if (request.longBytes > 0 || !this.#limits.joins(text, request.count, request.batch.length)) return false
    this.requests.extend(request, text)
    return true
  }

  /** Sends what the kernel takes without waiting. */
  transmit(overBudgetToo: boolean): Stopped {
    for (let first = this.requests.first; first !== null; first = this.requests.first) {
      if (this.#pendingWrite === null && !this.#load(first)) continue
      const write = this.#pendingWrite as PendingWrite | null
      if (write === null) return FULL
      const { bytes } = write
      bytes.load()
      const result = socket.send(this.#descriptor.fd, bytes.at, bytes.length, write.fds(first))
      if (result === socket.EAGAIN) {
        if (this.#block()) return FULL
        continue
      }
      if (result < 0) {
        this.#explain(result)
        continue
      }
      endWait(this.#counters, this.#end)
      const traffic = { messages: 0, bytes: result, fds: 0 }
      if (bytes.advance(result)) this.#complete(write, traffic)
      this.#counters.packets++
      sent(this.#end, this.#counters, traffic.messages, traffic.bytes, traffic.fds)
      if (this.requests.first !== null && !overBudgetToo && overBudget()) return OVER_BUDGET
    }
    return DONE
  }

  /**
   * Sends a short text without a request; false if a request is queued, or the kernel has no room. Throws any other error
   * of the kernel.
   *
   * @param fds descriptors that stay the caller's; false if one is not open
   */
  sendText(text: string, fds: readonly number[] | null): boolean {
    const { fd } = this.#descriptor
    const { packets, surelyUnits } = this.#limits
    if (!packets || this.requests.first !== null || text.length > surelyUnits) return false
    if (this.disconnected !== null || fd < 0) return false
    const length = sealOne(text)
    const result = socket.send(fd, outbox, length, fds)
    // A buffer made smaller and a descriptor that is not open are handled, and reported, when a request is sent.
    if (result === socket.EAGAIN || result === socket.EMSGSIZE || result === socket.EBADF) return false
    if (result < 0) throw this.#refused(result)
    this.#counters.packets++
    sent(this.#end, this.#counters, 1, result - HEADER_BYTES, fds === null ? 0 : fds.length)
    return true
  }

  /**
   * Sends a short text on a byte stream without a request, or begins to: then the rest is the first request. False if a
   * request is queued, or the kernel has no room. Throws any other error of the kernel.
   */
  streamText(text: string): boolean {
    const { fd } = this.#descriptor
    if (this.requests.first !== null || this.disconnected !== null || fd < 0) return false
    if (!this.#limits.surelyFits(text)) return false
    const length = sealOne(text)
    const result = socket.send(fd, outbox, length, null)
    if (result === socket.EAGAIN) return false
    if (result < 0) throw this.#refused(result)
    this.#counters.packets++
    if (result === length) sent(this.#end, this.#counters, 1, result - HEADER_BYTES, 0)
    else {
      sent(this.#end, this.#counters, 0, result, 0)
      const request = this.#limits.request(text)
      this.requests.push(request)
      this.#pendingWrite = PendingWrite.together(request, false, this.#limits)
      this.#pendingWrite.bytes.load()
      this.#pendingWrite.bytes.advance(result)
    }
    return true
  }

  /** Writes a long message into a side stream before its header is sent; false if the buffer does not hold it whole. */
  prepare(request: SendRequest): boolean {
    const side = new SideWriter(request.batch, this.#end)
    side.write()
    if (side.finished) request.prepared = side
    else side.abandon()
    return side.finished
  }

  /** Drops the pending write if `request` is in it; false if the kernel has part of it. */
  #release(request: SendRequest): boolean {
    if (this.#pendingWrite?.includes(request, this.requests.first) !== true) return true
    if (this.#pendingWrite.bytes.begun) return false
    this.#unload()
    return true
  }

  /** Fails everything in the queue: nothing more can be sent. */
  fail(error: WormholeError): void {
    this.disconnected = error
    if (this.#end.life === OPEN) this.#end.life = OVER
    failed(this.#end, error)
    this.#settleWhole()
    this.#unload()
    for (let request = this.requests.shift(); request !== null; request = this.requests.shift()) request.settle(error)
    this.#watch.gone(error)
  }

  /** Makes the pending write, unless the side streams are full; false if the first request failed and left the queue. */
  #load(first: SendRequest): boolean {
    this.requests.resize(first, this.#limits.longest)
    if (first.longBytes === 0) {
      this.#pendingWrite = PendingWrite.together(first, this.#coalesce, this.#limits)
      return true
    }
    if (!this.#limits.packets) {
      this.#pendingWrite = PendingWrite.alone(first)
      return true
    }
    if (this.#sides.full) return true
    try {
      this.#pendingWrite = PendingWrite.aside(first, this.#end)
      return true
    } catch (error) {
      this.requests.remove(first)
      first.settle(error)
      failed(this.#end, error)
      return false
    }
  }

  /** Settles the requests of a write that the kernel has whole. */
  #complete(write: PendingWrite, traffic: Traffic): void {
    this.#pendingWrite = null
    if (write.part > 0) {
      const messages = write.partMessages
      this.requests.shorten(this.requests.first as SendRequest, write.part, messages)
      countFrames(traffic, messages)
    }
    for (let index = 0; index < write.requests; index++) {
      const request = this.requests.shift() as SendRequest
      traffic.fds += request.transfer?.fds.length ?? 0
      if (write.side === null) {
        countFrames(traffic, request.count)
        request.settle()
      } else {
        traffic.bytes -= HEADER_BYTES
        this.#sides.follow(write.side, request, traffic)
      }
    }
  }

  /** Drops the pending write; its requests stay queued as they were. */
  #unload(): void {
    this.#pendingWrite?.side?.abandon()
    this.#pendingWrite = null
  }

  /** Waits for room; false if the channel cannot be watched, and the write's requests have failed. */
  #block(): boolean {
    try {
      this.#watch.block()
    } catch (error) {
      this.#drop(error as WormholeError)
      return false
    }
    // A blocking send checks from time to time, and may find the channel still full: that counts as one wait.
    if (beginWait(this.#counters, this.#end, 'full')) this.#counters.waits++
    return true
  }

  /** Handles a failed sendmsg: fails the write's requests, or all, or drops the write to make it again. */
  #explain(errno: number): void {
    if (errno === socket.EMSGSIZE && this.#limits.shrunk()) {
      this.#unload()
      return
    }
    const error = this.#errorOf(errno)
    if (error.code === 'ERR_WORMHOLE_DISCONNECTED') this.fail(error)
    else this.#drop(error)
  }

  /** Handles a failed sendmsg of a message without a request, and returns its error. */
  #refused(errno: number): WormholeError {
    const error = this.#errorOf(errno)
    if (error.code === 'ERR_WORMHOLE_DISCONNECTED') this.fail(error)
    else failed(this.#end, error)
    return error
  }

  #errorOf(errno: number): WormholeError {
    if (errno === socket.EPIPE || errno === socket.ECONNRESET) {
      return disconnectedError('Sender', { errno, syscall: 'sendmsg' })
    }
    return systemError('sendmsg', errno, `cannot send on descriptor ${this.#descriptor.fd}`)
  }

  /** Fails the write's requests; all requests if the kernel has part of a frame, as nothing can follow that. */
  #drop(error: WormholeError): void {
    const write = this.#pendingWrite as PendingWrite
    if (write.bytes.begun) {
      this.fail(error)
      return
    }
    this.#unload()
    for (let index = 0; index < Math.max(write.requests, 1); index++) {
      const request = this.requests.shift() as SendRequest
      request.settle(error)
    }
    failed(this.#end, error)
  }

  /** Settles the write's messages that the kernel has whole, although the byte stream breaks off: they were sent. */
  #settleWhole(): void {
    let whole = this.#pendingWrite?.bytes.begun === true ? this.#pendingWrite.bytes.whole : 0
    countFrames(this.#counters, whole)
    for (let request = this.requests.first; request !== null && request.count <= whole; request = this.requests.first) {
      whole -= request.count
      this.requests.remove(request)
      request.settle()
    }
  }
}

/** Counts sent messages whose frames, headers included, were counted as bytes. */
function countFrames(traffic: Traffic, messages: number): void {
  traffic.messages += messages
  traffic.bytes -= messages * HEADER_BYTES
}
