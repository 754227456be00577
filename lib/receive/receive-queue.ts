import { onAbort } from '../core/abort.js'
import { now } from '../core/clock.js'
import { closedError, disconnectedError, WormholeError } from '../core/errors.js'
import { Promise, queueMicrotask } from '../core/globals.js'
import { List } from '../core/list.js'
import { overBudget, spend, yieldToLoop } from '../core/loop-budget.js'
import { type BlockingOptions, deadlineOf, type Settings, signalOf, type WaitOptions } from '../core/options.js'
import { Later, quiet, rejected } from '../core/promises.js'
import { beginWait, type Counters, endWait, failed, reads, received, tracing } from '../core/telemetry.js'
import { closeEnd } from '../fd/descriptor.js'
import { type EndContext, type EndState, OPEN, OVER } from '../fd/end-context.js'
import { isMainThread } from '../os/addon.js'
import { BlockingBusyPoll } from '../os/busy-poll.js'
import { handOver } from '../os/exit-flush.js'
import { ROOM_SLICE_MS, WAIT_SLICE_MS } from '../os/poller.js'
import * as socket from '../os/syscalls.js'
import { Batch } from './batch.js'
import { ReadWatch } from './read-watch.js'
import { END, type Feed, type MessageReader, READ } from './reader.js'
import { type Delivery, Pending, type Subscriber, type Waiter } from './waiter.js'

const MISSES_BEFORE_WAITING = 2
const LOOKS_AGAIN_AFTER = 8
/** Serves this many calls before the code that awaits them runs: about what a look at the clock is worth. */
const SERVED_TOGETHER = 64

/** One for the thread, which blocks in one channel at a time. */
const busyPoll = new BlockingBusyPoll()

/** Reads one receiver's messages, keeps those that are not taken yet, and serves the calls that wait for them. */
export class ReceiveQueue {
  readonly batch: Batch
  readonly settings: Settings
  readonly #counters: Counters
  readonly #reader: MessageReader
  readonly #waiters = new List<Waiter>()
  /** Those that stay from one message to the next. */
  #subscribers: Set<Subscriber> | null = null
  readonly #watch: ReadWatch
  /** Whether waiters are to be served later with what is read already. */
  #servesLater = false
  /** Calls in a row that looked for a message and found none. */
  #misses = 0
  /** When `select` or `merge` last took from here: the queue served longest ago comes first. */
  lastServed = 0

  /** @param feed the reader, if it has no descriptor */
  constructor(
    readonly end: EndState,
    reader: MessageReader,
    readonly feed: Feed | null
  ) {
    this.batch = feed === null ? new Batch(end) : feed.batch
    this.settings = end.settings
    this.#counters = end.counters
    this.#reader = reader
    this.#watch = new ReadWatch(end, reader, feed, this)
  }

  /** How many messages are here, including one that is here in part. */
  get held(): number {
    return this.batch.left + (this.#reader.holdsPart ? 1 : 0)
  }

  /** Whether a call or a subscriber waits. */
  get waiting(): boolean {
    return this.#waiters.size > 0 || (this.#subscribers !== null && this.#wanting() !== null)
  }

  /** Whether nothing is left but what the batch holds. */
  get ended(): boolean {
    return this.end.life === OVER
  }

  /** Takes, or waits for what can be taken; as a step of `iteration`, if it is given. */
  take<V>(delivery: Delivery<V>, call: string, options?: WaitOptions, iteration: object | null = null): Promise<V> {
    try {
      const signal = options === undefined ? undefined : this.#signalOf(options, call)
      if (this.hasNext()) {
        const value = delivery.take(this.batch, this.settings.schema)
        return value instanceof Later ? quiet(value.promise) : Promise.resolve(value)
      }
      return this.wait(delivery, signal, iteration)
    } catch (error) {
      // It may be that nothing can wait now: then the next call has to look.
      this.#misses = 0
      return rejected(error)
    }
  }

  /** Whether something is here for a call that else waits, and nobody waits already. */
  hasNext(): boolean {
    if (this.#waiters.size > 0 || (this.#subscribers !== null && this.waiting)) return false
    if (this.batch.left === 0 && (!this.worthALook() || overBudget() || !this.#available())) return false
    this.#misses = 0
    return true
  }

  /** Waits for what can be taken. Throws the delivery's error at the end. */
  wait<V>(delivery: Delivery<V>, signal?: AbortSignal, iteration: object | null = null): Promise<V> {
    if (this.end.life === OVER && !this.waiting) return Promise.resolve(delivery.end())
    const waiter = new Pending<V>(delivery, this.batch, this.settings.schema)
    waiter.iteration = iteration
    this.join(waiter)
    if (signal !== undefined) {
      const stop = onAbort(signal, () => this.#abort(waiter, signal.reason))
      waiter.promise.then(stop, stop)
    }
    return waiter.promise
  }

  /**
   * Whether a new caller can take something now: serves those that wait already first.
   *
   * @param waits whether it may block the thread in the kernel until something is there; it need not
   */
  ready(waits = false): boolean {
    if (this.waiting) this.serve()
    if (this.waiting || !this.#available(waits)) return false
    this.#misses = 0
    return true
  }

  /** Returns the signal, which has not aborted. Reading the options runs the caller's code, which may close this end. */
  #signalOf(options: WaitOptions, call: string): AbortSignal | undefined {
    const signal = signalOf(options, call)
    signal?.throwIfAborted()
    this.end.assertUsable()
    return signal
  }

  /** Blocks the thread until something can be taken. */
  block(options: BlockingOptions | undefined, call: string): void {
    const deadline = deadlineOf(options, call)
    if (options !== undefined) this.end.assertUsable()
    if (this.batch.left > 0) return
    let pending = handOver()
    // A worker checks now and then whether it was terminated, and a trace has to report the wait.
    const waits = isMainThread && deadline === Number.POSITIVE_INFINITY && !tracing
    if (busyPoll.due() && busyPoll.until(() => this.ready(), deadline)) return
    for (;;) {
      if (this.ready(waits && !pending)) return
      if (this.ended) throw disconnectedError('Receiver')
      const left = deadline - now()
      if (left <= 0) {
        if (!this.#watch.on) endWait(this.#counters, this.end, 'waits no longer')
        throw new WormholeError('ERR_WORMHOLE_TIMEOUT', 'no message came in time')
      }
      if (beginWait(this.#counters, this.end, 'waits')) this.#counters.waits++
      socket.wait([this.#reader.waitsFor], socket.POLLIN, Math.min(left, pending ? ROOM_SLICE_MS : WAIT_SLICE_MS))
      if (pending) pending = handOver()
    }
  }

  join(waiter: Waiter): void {
    this.#watch.start(true)
    this.#counters.waits++
    this.#waiters.push(waiter)
  }

  leave(waiter: Waiter): void {
    this.#waiters.remove(waiter)
    this.#rewatch()
  }

  /** Adds a subscriber until {@link unsubscribe}. */
  subscribe(subscriber: Subscriber): void {
    this.#subscribers ??= new Set()
    this.#subscribers.add(subscriber)
  }

  unsubscribe(subscriber: Subscriber): void {
    if (this.#subscribers?.delete(subscriber) !== true) return
    if (this.#subscribers.size === 0) this.#subscribers = null
    this.#rewatch()
  }

  /** Watches for a subscriber that is armed now. Throws if the descriptor cannot be watched. */
  arm(): void {
    const fresh = !this.#watch.on
    this.#watch.start(this.#calling)
    if (fresh) this.#counters.waits++
  }

  /** Ends the steps of `iteration` that wait. */
  endSteps(iteration: object): void {
    for (const waiter of this.#waiters) {
      if (waiter.iteration !== iteration) continue
      this.leave(waiter)
      waiter.end()
    }
  }

  /**
   * Serves those that wait with what can be read without waiting, or with the end.
   *
   * @param max how many to serve; the others are served later
   */
  serve(max = Number.POSITIVE_INFINITY): void {
    const waiters = this.#waiters
    let count = 0
    for (; count < max && (waiters.size > 0 || (this.#subscribers !== null && this.waiting)); count++) {
      const there = this.#available()
      if (!there && this.end.life !== OVER) break
      const { first } = waiters
      if (this.#subscribers !== null && this.#servesSubscriber(first)) continue
      if (first === null) continue
      waiters.remove(first)
      if (there) first.serve()
      else first.end()
    }
    if (count === max && this.waiting) this.#serveLater(count)
    else if (waiters.size === 0 && this.#subscribers === null) this.#watch.stop()
    else this.#rewatch()
  }

  /** Serves the subscriber that waits if it came before the first call; false if none did. At the end only calls are left. */
  #servesSubscriber(first: Waiter | null): boolean {
    const wanting = this.#wanting()
    if (wanting === null || (first !== null && first.ticket < wanting.ticket)) return false
    wanting.serve()
    return true
  }

  /** The subscriber that has waited longest for a message. */
  #wanting(): Subscriber | null {
    let earliest: Subscriber | null = null
    for (const subscriber of this.#subscribers ?? []) {
      if (subscriber.wanting && (earliest === null || subscriber.ticket < earliest.ticket)) earliest = subscriber
    }
    return earliest
  }

  /** Whether calls wait here. */
  get #calling(): boolean {
    return this.#waiters.size > 0
  }

  /** Watches as long as a call waits or a subscriber is armed; at the end there is nothing to watch. */
  #rewatch(): void {
    const calling = this.#waiters.size > 0
    if (this.#subscribers !== null) for (const each of this.#subscribers) if (each.wanting) each.stay()
    if (this.end.life === OVER || (!calling && (this.#subscribers === null || !this.#anyArmed()))) this.#watch.stop()
    else {
      try {
        this.#watch.start(calling)
      } catch (error) {
        this.#failAll(error)
      }
    }
  }

  /** Serves more once the code that was served has run; if it spent the loop budget, after a yield to the loop. */
  #serveLater(served: number): void {
    if (this.#servesLater) return
    this.#servesLater = true
    spend(served)
    queueMicrotask(() => {
      if (overBudget()) void yieldToLoop().then(() => this.#serveOn())
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

  #anyArmed(): boolean {
    for (const subscriber of this.#subscribers ?? []) if (subscriber.armed) return true
    return false
  }

  #wakeSubscribers(): void {
    for (const subscriber of this.#subscribers ?? []) subscriber.wake()
  }

  /** Rejects what waits: the descriptor is about to be closed or moved. */
  endWaits(): void {
    this.#watch.stop()
    this.#failAll(closedError(this.end.constructor.name))
  }

  /** Drops what is here, and closes the descriptor. */
  close(): void {
    this.endWaits()
    this.#counters.messages -= this.batch.left
    this.batch.clear()
    this.#reader.drop()
    this.#closeEnd('closed')
  }

  /** Applies a changed `keepsAlive` to what is watched. */
  rewatch(): void {
    this.#watch.rewatch(this.#calling)
    for (const subscriber of this.#subscribers ?? []) subscriber.setKeepsAlive(this.end.keepsAlive)
  }

  /** Called by the poller: what is watched is ready. Nothing is read for a subscriber that wants nothing now. */
  onReady(): void {
    if (this.#subscribers !== null && !this.waiting) this.#wakeSubscribers()
    if (!this.#servesLater) this.serve(SERVED_TOGETHER)
  }

  /** Called by the poller. */
  onFailure(error: unknown): void {
    this.#watch.failed()
    failed(this.end, error)
    this.#failAll(error)
  }

  /** Whether something can be taken now; reads a packet if nothing is left of the last. */
  #available(waits = false): boolean {
    if (this.batch.left > 0) return true
    if (this.end.life === OVER) return false
    const { bytes } = this.#counters
    const found = this.#reader.read(this.batch, waits)
    if (found === END) this.#end()
    if (found !== READ) return false
    endWait(this.#counters, this.end)
    const count = this.batch.left
    this.#counters.messages += count
    spend(count)
    // The end may follow a failure, and the kernel does not report it any more.
    if (this.batch.failures) this.#misses = 0
    if (this.#subscribers !== null) this.#wakeSubscribers()
    return !reads.hasSubscribers || this.#tell(this.#counters.bytes - bytes)
  }

  /** Publishes a read; true if messages are still here. An observer may have taken some, or closed this end. */
  #tell(bytes: number): boolean {
    const { left, descriptors } = this.batch
    received(this.end, left, bytes, descriptors)
    this.end.assertUsable()
    return this.batch.left > 0
  }

  /**
   * Whether a call that may wait reads first. In request and reply the message is never there yet: then most calls save
   * the system call, and a message that is there after all comes with the event loop's next iteration.
   */
  worthALook(): boolean {
    if (this.end.life === OVER || !this.end.keepsAlive) return true
    this.#misses++
    return this.#misses <= MISSES_BEFORE_WAITING || this.#misses % LOOKS_AGAIN_AFTER === 0
  }

  /** Aborts a wait, unless a message is there: after a long busy period Node runs timers before it polls. */
  #abort(waiter: Waiter, reason: unknown): void {
    this.serve()
    if (waiter.list === null) return
    this.leave(waiter)
    waiter.fail(reason)
  }

  /** Closes the descriptor: nothing more will come. */
  #end(): void {
    if (this.end.life === OPEN) this.end.life = OVER
    this.#watch.stop()
    this.#reader.drop()
    this.#closeEnd('ended')
    for (const subscriber of this.#leaving()) subscriber.end()
  }

  /** Closes the descriptor, if there is one. */
  #closeEnd(reason: 'closed' | 'ended'): void {
    if ('descriptor' in this.end) closeEnd(this.end, (this.end as EndContext).descriptor, reason)
  }

  /** Removes and returns all subscribers. */
  #leaving(): Iterable<Subscriber> {
    const leaving = this.#subscribers ?? []
    this.#subscribers = null
    return leaving
  }

  #failAll(error: unknown): void {
    for (const subscriber of this.#leaving()) subscriber.fail(error)
    for (let waiter = this.#waiters.shift(); waiter !== null; waiter = this.#waiters.shift()) waiter.fail(error)
  }
}
