import { AtOnce } from './at-once.js'
import { frame } from './cargo.js'
import { ChannelWatch } from './channel-watch.js'
import { beginWait, type Counters, endWait } from './counters.js'
import type { Descriptor } from './descriptor.js'
import { beforeSend, closeEnd, failed, sent } from './diagnostics.js'
import type { Endpoint } from './endpoint.js'
import type { Entry } from './entry.js'
import { closedError, disconnectedError, systemError, type WormholeError } from './errors.js'
import { Flushable, flushIfExiting, forgetPending, notePending } from './exit.js'
import { Flight } from './flight.js'
import { disownOutbox, HEADER_BYTES, outboxAt, seal } from './framing.js'
import { List } from './list.js'
import type { Settings } from './options.js'
import { WAIT_SLICE_MS } from './poller.js'
import { SideStreams } from './side-streams.js'
import { SideWriter } from './side-writer.js'
import { Sizing } from './sizing.js'
import * as socket from './socket.js'
import { nextTurn, turnIsOver } from './turn.js'

/** Units that may gather in one tick before they are sent within it. */
const EAGER_UNITS = 64 * 1024
/** Why a message was taken back that could not be sent at once. */
const NOT_SENT = new Error('not sent')

/** What one sender has yet to hand to the kernel, in order, and the handing over. */
export class SendQueue extends Flushable {
  readonly #descriptor: Descriptor
  readonly #settings: Settings
  readonly #counters: Counters
  readonly #packets: boolean
  readonly #entries = new List<Entry>()
  #sides: SideStreams | null = null
  /** Calls of `sendAll` that are not done. */
  #running: Set<Promise<unknown>> | null = null
  readonly #watch: ChannelWatch
  #flight: Flight | null = null
  readonly sizing: Sizing
  #units = 0
  #scheduled = false
  readonly #atOnce = new AtOnce()
  #closing = false
  #keepsAlive = true
  disconnected: WormholeError | null = null

  /** @param owner what must not be garbage-collected while something is pending: it closes the descriptor */
  constructor(
    readonly owner: Endpoint,
    descriptor: Descriptor,
    type: number,
    settings: Settings,
    counters: Counters
  ) {
    super()
    this.#descriptor = descriptor
    this.#watch = new ChannelWatch(descriptor, this)
    this.#settings = settings
    this.#counters = counters
    this.#packets = type === socket.SOCK_SEQPACKET
    this.sizing = new Sizing(descriptor, this.#packets, settings)
  }

  /** Messages that the kernel has not yet taken whole. */
  get pending(): number {
    let count = this.#sides?.size ?? 0
    for (let entry = this.#entries.first; entry !== null; entry = entry.next) count += entry.count
    return count
  }

  get idle(): boolean {
    return this.#entries.first === null && (this.#sides?.size ?? 0) === 0
  }

  /** Whether the channel is full and entries wait for it. */
  get blocked(): boolean {
    return this.#watch.blocked
  }

  /** Queues an entry; it is sent at the end of this tick, or at once when much has gathered. */
  push(entry: Entry): void {
    if (!this.#enqueue(entry) || this.#watch.blocked) return
    if (this.#units >= EAGER_UNITS) {
      if (turnIsOver(entry.longBytes)) this.#schedule(true)
      else this.pump()
    } else this.#schedule()
  }

  /** The same for a text by itself within the call, where the sender awaits each of its messages; false where not. */
  sendAtOnce(text: string): boolean {
    if (!this.#atOnce.usual || this.#scheduled || this.#entries.first !== null) return false
    if (this.#atOnce.used || turnIsOver()) {
      this.#atOnce.forget()
      return false
    }
    if (!this.sendNow(text)) return false
    this.#atOnce.use()
    return true
  }

  /** The same with descriptors, which travel alone in any case: within the call, so that they need no duplicates that wait. */
  sendFdsNow(text: string, fds: readonly number[]): boolean {
    return !this.#scheduled && !turnIsOver() && this.sendNow(text, fds)
  }

  /**
   * Hands a short text over without an entry for it, where nothing is before it and the kernel takes it; false where not.
   *
   * @param fds descriptors that are open at this moment
   */
  sendNow(text: string, fds: readonly number[] | null = null): boolean {
    const { fd } = this.#descriptor
    if (!this.#packets || this.#entries.first !== null || !this.sizing.isShort(text)) return false
    if (this.disconnected !== null || fd < 0) return false
    const length = seal(this, frame(text))
    const result = socket.send(fd, outboxAt(0), length, fds)
    disownOutbox(this)
    // Why it was not taken is found out anew, with all that this may call for.
    if (result < 0) return false
    const before = beforeSend(this.#counters)
    this.#counters.packets++
    this.#counters.bytes += result
    this.#count(1, fds?.length ?? 0)
    if (before !== null) sent(this.owner, before, this.#counters)
    return true
  }

  /** Queues an entry and sends what can be sent without waiting. */
  hand(entry: Entry): void {
    if (this.#enqueue(entry) && !this.#watch.blocked) this.pump()
  }

  /**
   * Hands an entry over whole or not at all, without waiting: false when the channel is full, or when a
   * long message is longer than a side stream's buffer.
   */
  tryHand(entry: Entry): boolean {
    if (this.#entries.first !== null && !this.pump(true)) return false
    if (entry.longBytes > 0 && this.#packets && this.disconnected === null) {
      const side = new SideWriter(entry.batch, this.#descriptor)
      side.write()
      if (side.finished) entry.prepared = side
      else {
        side.abandon()
        if (!socket.hungUp(this.#descriptor.fd)) return false
      }
    }
    this.hand(entry)
    if (entry.error !== undefined) throw entry.error
    return entry.settled || !this.withdraw(entry, NOT_SENT)
  }

  /** Takes an entry back whose bytes are not under way; false when they are. */
  withdraw(entry: Entry, reason: unknown): boolean {
    if (entry.settled) return true
    if (this.#sides?.withdraw(entry, reason) === true) return true
    if (this.#flight?.includes(entry, this.#entries.first) === true) {
      if (this.#flight.cargo.begun) return false
      this.#unload()
    }
    this.#remove(entry)
    entry.settle(reason)
    this.#rest()
    return true
  }

  /** Hands over what the kernel takes without waiting. True when the queue is empty afterwards. */
  pump(evenIfTurnIsOver = false): boolean {
    for (let first = this.#entries.first; first !== null; first = this.#entries.first) {
      if (this.#flight === null && !this.#load(first)) continue
      const flight = this.#flight as Flight | null
      if (flight === null) return false
      const { cargo } = flight
      cargo.load()
      const result = socket.send(this.#descriptor.fd, cargo.at, cargo.length, flight.fds(first))
      if (result === socket.EAGAIN) {
        if (this.#block()) return false
        continue
      }
      if (result < 0) {
        this.#explain(result)
        continue
      }
      endWait(this.#counters, this.owner)
      const before = beforeSend(this.#counters)
      this.#counters.packets++
      this.#counters.bytes += result
      if (cargo.advance(result)) this.#complete(flight)
      if (before !== null) sent(this.owner, before, this.#counters)
      if (this.#entries.first !== null && !evenIfTurnIsOver && turnIsOver()) {
        this.#schedule(true)
        return false
      }
    }
    this.#rest()
    return true
  }

  /** The same, waiting in the kernel until `entry` is settled, or all there is, or the time is over. */
  pumpUntil(entry: Entry | null, deadline: number): void {
    const done = () => (entry === null ? this.idle : entry.settled)
    for (;;) {
      this.pumpAll()
      if (done()) return
      const left = deadline - performance.now()
      if (left <= 0) return
      socket.wait(this.waitsFor(), socket.POLLOUT, Math.min(left, WAIT_SLICE_MS))
    }
  }

  /** Hands over what the kernel takes without waiting, of long messages too. */
  pumpAll(): void {
    this.pump(true)
    this.#sides?.pump()
  }

  /** The descriptors that must become writable before `pumpAll` can do more. */
  waitsFor(): number[] {
    const fds = this.#sides?.fds ?? []
    if (this.#watch.blocked || fds.length === 0) fds.push(this.#descriptor.fd)
    return fds
  }

  /** Resolves when everything queued by now is with the kernel; rejects with the first of it that fails. */
  async flush(): Promise<void> {
    const waiting: Promise<unknown>[] = [...(this.#running ?? []), ...(this.#sides?.settled() ?? [])]
    for (let entry = this.#entries.first; entry !== null; entry = entry.next) waiting.push(entry.wait())
    const failed = (await Promise.allSettled(waiting)).find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** A `sendAll` that has begun: it belongs to what `flush` and `close` wait for. */
  track<Result>(running: Promise<Result>): Promise<Result> {
    this.#running ??= new Set()
    this.#running.add(running)
    const done = () => {
      this.#running?.delete(running)
      this.#rest()
    }
    running.then(done, done)
    return running
  }

  /** How many calls of `sendAll` are not done. */
  get running(): number {
    return this.#running?.size ?? 0
  }

  /** Closes the descriptor as soon as nothing is pending. */
  close(): void {
    this.#closing = true
    this.#rest()
  }

  setKeepsAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    this.#watch.setKeepsAlive(keepsAlive)
    this.#sides?.setKeepsAlive(keepsAlive)
  }

  /** Calls `callback` once every receiving end is gone, until the returned function is called. */
  whenGone(callback: (error: WormholeError) => void): () => void {
    if (this.disconnected === null) return this.#watch.whenGone(callback)
    callback(this.disconnected)
    return () => undefined
  }

  /** Called by the poller: the channel takes more, or its other end is gone. */
  onReady(): void {
    if (this.#watch.blocked) {
      this.#watch.unblock()
      this.pump()
    } else if (socket.hungUp(this.#descriptor.fd)) {
      this.#fail(disconnectedError('Sender'))
    }
  }

  /** Called by the poller. */
  onFailure(error: unknown): void {
    this.#fail(error as WormholeError)
  }

  runScheduled(): void {
    this.#scheduled = false
    const { first } = this.#entries
    this.#atOnce.note(first !== null && first.next === null && first.count === 1)
    if (!this.#watch.blocked) this.pump()
  }

  #enqueue(entry: Entry): boolean {
    if (this.disconnected !== null) {
      entry.settle(this.disconnected)
      return false
    }
    if (this.#descriptor.fd < 0) {
      entry.settle(closedError('Sender'))
      return false
    }
    if (this.#entries.first === null) notePending(this)
    this.#entries.push(entry)
    this.#units += entry.batch.length
    flushIfExiting()
    return !entry.settled
  }

  /** At the end of this tick, or of this turn where that is over: a program that only awaits sends never leaves its tick. */
  #schedule(later = turnIsOver()): void {
    if (this.#scheduled) return
    this.#scheduled = true
    if (later) void nextTurn().then(() => this.runScheduled())
    else process.nextTick(runScheduled, this)
  }

  /** Readies the first entries; false when the first one failed, and left the queue. */
  #load(first: Entry): boolean {
    if (first.sizedFor !== this.sizing.longest) {
      this.#units -= first.batch.length
      first.resize(this.sizing.longest)
      this.#units += first.batch.length
    }
    if (first.longBytes === 0) {
      this.#flight = Flight.together(first, this.#settings.coalesce, this.sizing.batchUnits)
      return true
    }
    if (!this.#packets) {
      this.#flight = Flight.alone(first)
      return true
    }
    if (this.#sides?.full === true) return true
    try {
      this.#flight = Flight.aside(first, this.#descriptor)
      return true
    } catch (error) {
      this.#remove(first)
      first.settle(error)
      failed(this.owner, error)
      return false
    }
  }

  /** The kernel has all of a flight. */
  #complete(flight: Flight): void {
    this.#flight = null
    if (flight.part > 0) {
      const first = this.#entries.first as Entry
      const messages = flight.partMessages
      first.batch = first.batch.slice(flight.part)
      first.count -= messages
      this.#units -= flight.part
      this.#count(messages, 0)
    }
    for (let index = 0; index < flight.entries; index++) {
      const entry = this.#entries.first as Entry
      this.#remove(entry)
      const fds = entry.transfer?.fds.length ?? 0
      if (flight.side === null) {
        this.#count(entry.count, fds)
        entry.settle()
      } else {
        this.#counters.bytes -= HEADER_BYTES
        this.#counters.fds += fds
        this.#follow(flight.side, entry)
      }
    }
  }

  #count(messages: number, fds: number): void {
    this.#counters.messages += messages
    this.#counters.bytes -= messages * HEADER_BYTES
    this.#counters.fds += fds
  }

  /** The header of a long message is with the kernel; its payload goes on beside what comes next. */
  #follow(side: SideWriter, entry: Entry): void {
    const bytes = entry.longBytes
    entry.transfer?.accepted()
    this.#sides ??= new SideStreams()
    // What is through at once belongs to the header's packet, which is being told of.
    let later = false
    this.#sides.follow(side, entry, this.#keepsAlive, () => {
      if (entry.error === undefined) {
        const before = later ? beforeSend(this.#counters) : null
        this.#counters.messages++
        this.#counters.bytes += bytes
        if (before !== null) sent(this.owner, before, this.#counters)
      } else failed(this.owner, entry.error)
      if (this.#entries.first !== null && !this.#watch.blocked) this.#schedule()
      this.#rest()
    })
    later = true
  }

  #remove(entry: Entry): void {
    this.#units -= entry.batch.length
    this.#entries.remove(entry)
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
    if (beginWait(this.#counters, this.owner, 'full')) this.#counters.waits++
    return true
  }

  /** Nothing may be left to do: then lets go of what was held for it. */
  #rest(): void {
    if (this.#entries.first === null) {
      this.#watch.unblock()
      endWait(this.#counters, this.owner, 'waits no longer')
    }
    if (!this.idle) return
    forgetPending(this)
    if (this.#closing && this.running === 0) {
      closeEnd(this.owner, this.#descriptor, this.disconnected === null ? 'closed' : 'ended')
    }
  }

  /** Deals with a failed sendmsg: the entries under way fail, or all, or are readied anew. */
  #explain(errno: number): void {
    if (errno === socket.EPIPE || errno === socket.ECONNRESET) {
      this.#fail(disconnectedError('Sender', { errno, syscall: 'sendmsg' }))
    } else if (errno === socket.EMSGSIZE && this.sizing.shrunk()) {
      this.#unload()
    } else {
      this.#drop(systemError('sendmsg', errno, `cannot send on descriptor ${this.#descriptor.fd}`))
    }
  }

  /** The entries under way fail; where the kernel has part of a frame, nothing can follow it. */
  #drop(error: WormholeError): void {
    const flight = this.#flight as Flight
    if (flight.cargo.begun) {
      this.#fail(error)
      return
    }
    this.#unload()
    for (let index = 0; index < Math.max(flight.entries, 1); index++) {
      const entry = this.#entries.first as Entry
      this.#remove(entry)
      entry.settle(error)
    }
    failed(this.owner, error)
  }

  /** A byte stream breaks off: messages of the flight that the kernel has whole were sent all the same. */
  #settleWhole(): void {
    let whole = this.#flight?.cargo.begun === true ? this.#flight.cargo.whole : 0
    this.#count(whole, 0)
    for (let entry = this.#entries.first; entry !== null && entry.count <= whole; entry = this.#entries.first) {
      whole -= entry.count
      this.#remove(entry)
      entry.settle()
    }
  }

  /** No more can be sent: everything pending fails, and the descriptor has no further use. */
  #fail(error: WormholeError): void {
    this.disconnected = error
    failed(this.owner, error)
    this.#settleWhole()
    this.#unload()
    for (let entry = this.#entries.shift(); entry !== null; entry = this.#entries.shift()) entry.settle(error)
    this.#units = 0
    this.#watch.gone(error)
    this.#closing = true
    this.#rest()
  }
}

function runScheduled(queue: SendQueue): void {
  queue.runScheduled()
}
