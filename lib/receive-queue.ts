import { onAbort } from './abort.js'
import { Batch } from './batch.js'
import { BlockingBusyPoll } from './busy-poll.js'
import { now } from './clock.js'
import { beginWait, type Counters, endWait } from './counters.js'
import type { Descriptor } from './descriptor.js'
import { closeEnd, failed, observesReads, received } from './diagnostics.js'
import type { Endpoint } from './endpoint.js'
import { closedError, disconnectedError, WormholeError } from './errors.js'
import { handOver } from './exit.js'
import { Promise, queueMicrotask } from './globals.js'
import { Later } from './later.js'
import { List } from './list.js'
import { isMainThread } from './native.js'
import { deadlineOf, type Settings, signalOf } from './options.js'
import { PacketSource } from './packet-source.js'
import { ROOM_SLICE_MS, unwatch, WAIT_SLICE_MS, watch } from './poller.js'
import { quiet, rejected } from './rejected.js'
import * as socket from './socket.js'
import { END, READ, type Source } from './source.js'
import { StreamSource } from './stream-source.js'
import { tracing } from './trace.js'
import { countMessages, nextTurn, turnIsOver } from './turn.js'
import type { BlockingOptions, WaitOptions } from './types.js'
import { Pending, type Taking, type Waiter } from './waiter.js'

const MISSES_BEFORE_WAITING = 8
const LOOKS_AGAIN_AFTER = 8
/** Calls that are served before what they set off gets to run: about what a look at the clock is worth. */
const SERVED_TOGETHER = 64

/** Of the thread: one that blocks waits in one channel at a time. */
const busyPoll = new BlockingBusyPoll()

/** What one receiver has read and nobody has taken yet, those who wait for more, and the reading. */
export class ReceiveQueue {
  readonly batch: Batch
  readonly #descriptor: Descriptor
  readonly #counters: Counters
  readonly #source: Source
  #waiters: List<Waiter> | null = null
  /** The descriptor that is watched for somebody who waits: the channel's or a side stream's. */
  #watched = -1
  #keepsAlive = true
  /** Nothing will come any more, and nothing is left but what the batch holds. */
  ended = false
  /** Whether some of those who wait are to be served in a while, without anything new to be read. */
  #servesLater = false
  /** Calls in a row that looked for a message and found none. */
  #misses = 0
  /** When `select` last took from here: the one that waited longest comes first. */
  lastServed = 0

  /** @param owner what must not be garbage-collected while somebody waits: it closes the descriptor */
  constructor(
    readonly owner: Endpoint,
    descriptor: Descriptor,
    type: number,
    readonly settings: Settings,
    counters: Counters
  ) {
    this.batch = new Batch(owner)
    this.#descriptor = descriptor
    this.#counters = counters
    const context = { descriptor, settings, counters }
    this.#source = type === socket.SOCK_SEQPACKET ? new PacketSource(context) : new StreamSource(context)
  }

  /** Messages that are here, one that is here in part included. */
  get held(): number {
    return this.batch.left + (this.#source.partial ? 1 : 0)
  }

  /** Whether somebody waits. */
  get waiting(): boolean {
    return this.#waiters !== null && this.#waiters.size > 0
  }

  /** Takes, or waits for what can be taken: as a step of `iteration`, if it is one. */
  take<V>(taking: Taking<V>, options?: WaitOptions, iteration: object | null = null): Promise<V> {
    try {
      const signal = signalOf(options)
      signal?.throwIfAborted()
      if (!this.waiting) {
        if (this.batch.left > 0 || (!turnIsOver() && this.#worthALook() && this.#available())) {
          this.#misses = 0
          const value = taking.take(this.batch, this.settings.schema)
          return value instanceof Later ? quiet(value.promise) : Promise.resolve(value)
        }
        if (this.ended) return Promise.resolve(taking.end())
      }
      const waiter = new Pending<V>(taking, this.batch, this.settings.schema)
      waiter.iteration = iteration
      this.join(waiter)
      if (signal !== undefined) {
        const stop = onAbort(signal, () => this.#abort(waiter, signal.reason))
        waiter.promise.then(stop, stop)
      }
      return waiter.promise
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Whether something can be taken by somebody who comes now: those who wait already are served before.
   *
   * @param waits whether it may block the thread in the kernel until something is there; it need not
   */
  ready(waits = false): boolean {
    if (this.waiting) this.serve()
    return !this.waiting && this.#available(waits)
  }

  /** Blocks the thread until something can be taken. */
  block(options: BlockingOptions | undefined): void {
    const deadline = deadlineOf(options)
    if (this.batch.left > 0) return
    let pending = handOver()
    // A worker looks up now and then: it may have been terminated. A trace is to tell of the wait.
    const waits = isMainThread && deadline === Number.POSITIVE_INFINITY && !tracing
    if (busyPoll.due() && busyPoll.until(() => this.ready(), deadline)) return
    for (;;) {
      if (this.ready(waits && !pending)) return
      if (this.ended) throw disconnectedError('Receiver')
      const left = deadline - now()
      if (left <= 0) {
        if (this.#watched < 0) endWait(this.#counters, this.owner, 'waits no longer')
        throw new WormholeError('ERR_WORMHOLE_TIMEOUT', 'no message came in time')
      }
      if (beginWait(this.#counters, this.owner, 'waits')) this.#counters.waits++
      socket.wait([this.#source.waitsFor], socket.POLLIN, Math.min(left, pending ? ROOM_SLICE_MS : WAIT_SLICE_MS))
      if (pending) pending = handOver()
    }
  }

  join(waiter: Waiter): void {
    this.#waiters ??= new List()
    this.#watch()
    this.#counters.waits++
    this.#waiters.push(waiter)
  }

  leave(waiter: Waiter): void {
    this.#waiters?.remove(waiter)
    if (!this.waiting) this.#unwatch()
  }

  /** Takes back the steps of `iteration` that wait: they get the end. */
  endSteps(iteration: object): void {
    for (const waiter of this.#waiters ?? []) {
      if (waiter.iteration !== iteration) continue
      this.leave(waiter)
      waiter.end()
    }
  }

  /**
   * Serves those who wait with what can be read without waiting, or tells them of the end.
   *
   * @param most how many; the others are served later
   */
  serve(most = Number.POSITIVE_INFINITY): void {
    let count = 0
    while (this.waiting && count < most && (this.#available() || this.ended)) {
      this.#serveFirst()
      count++
    }
    if (!this.waiting) this.#unwatch()
    else if (count === most) this.#serveLater(count)
    else {
      try {
        this.#watch()
      } catch (error) {
        this.#failAll(error)
      }
    }
  }

  #serveFirst(): void {
    const first = this.#waiters?.shift()
    if (this.batch.left > 0) first?.serve()
    else first?.end()
  }

  /** What has been served runs first. If all that has taken the turn's time, others get theirs before more is served. */
  #serveLater(served: number): void {
    if (this.#servesLater) return
    this.#servesLater = true
    countMessages(served)
    queueMicrotask(() => {
      if (turnIsOver()) void nextTurn().then(() => this.#serveOn())
      else this.#serveOn()
    })
  }

  #serveOn(): void {
    this.#servesLater = false
    try {
      this.serve(SERVED_TOGETHER)
    } catch (error) {
      this.onFailure(error)
    }
  }

  /** The descriptor goes: those who wait get nothing any more. */
  letGo(): void {
    this.#unwatch()
    this.#failAll(closedError('Receiver'))
  }

  /** Drops what is here, and closes the descriptor. */
  close(): void {
    this.letGo()
    this.#counters.messages -= this.batch.left
    this.batch.clear()
    this.#source.drop()
    closeEnd(this.owner, this.#descriptor, 'closed')
  }

  setKeepsAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    if (this.#watched >= 0) watch(this.#watched, socket.POLLIN, this, keepsAlive)
  }

  /** Called by the poller: what is watched is ready. */
  onReady(): void {
    if (!this.#servesLater) this.serve(SERVED_TOGETHER)
  }

  /** Called by the poller. */
  onFailure(error: unknown): void {
    this.#watched = -1
    failed(this.owner, error)
    this.#failAll(error)
  }

  /** Whether something can be taken now; reads a packet when nothing is left of the last. */
  #available(waits = false): boolean {
    if (this.batch.left > 0) return true
    if (this.ended) return false
    const { bytes } = this.#counters
    const found = this.#source.read(this.batch, waits)
    if (found === END) this.#end()
    if (found !== READ) return false
    endWait(this.#counters, this.owner)
    const count = this.batch.left
    this.#counters.messages += count
    countMessages(count)
    return !observesReads() || this.#tell(this.#counters.bytes - bytes)
  }

  /** Tells those who observe. Whether messages are still here: one of them may have taken some, or closed this end. */
  #tell(bytes: number): boolean {
    received(this.owner, this.batch, bytes)
    this.owner.assertUsable()
    return this.batch.left > 0
  }

  /**
   * Whether a call that may wait looks for a message first. In a dialogue there is none yet, each time: then most
   * calls save the system call, and a message that is there after all comes with the event loop's next turn.
   */
  #worthALook(): boolean {
    if (this.ended || !this.#keepsAlive) return true
    this.#misses++
    return this.#misses <= MISSES_BEFORE_WAITING || this.#misses % LOOKS_AGAIN_AFTER === 0
  }

  /** After a long busy spell Node runs timers before it polls: a message that is there must win. */
  #abort(waiter: Waiter, reason: unknown): void {
    this.serve()
    if (waiter.list === null) return
    this.leave(waiter)
    waiter.fail(reason)
  }

  #watch(): void {
    const fd = this.#source.waitsFor
    if (this.#watched !== fd) this.#unwatch()
    this.#watched = -1
    watch(fd, socket.POLLIN, this, this.#keepsAlive)
    this.#watched = fd
    beginWait(this.#counters, this.owner, 'waits')
  }

  #unwatch(): void {
    if (this.#watched >= 0) unwatch(this.#watched)
    this.#watched = -1
    endWait(this.#counters, this.owner, 'waits no longer')
  }

  /** Nothing will come any more: the descriptor has no further use. */
  #end(): void {
    this.ended = true
    this.#unwatch()
    this.#source.drop()
    closeEnd(this.owner, this.#descriptor, 'ended')
  }

  #failAll(error: unknown): void {
    for (let waiter = this.#waiters?.shift(); waiter != null; waiter = this.#waiters?.shift()) waiter.fail(error)
  }
}
