import { onAbort } from './abort.js'
import { Batch, closeEach } from './batch.js'
import { beginWait, endWait, newCounters, statsOf } from './counters.js'
import { closeEnd, failed, observesReads, opened, received } from './diagnostics.js'
import { Endpoint } from './endpoint.js'
import { ends } from './ends.js'
import { closedError, disconnectedError, WormholeError } from './errors.js'
import { List } from './list.js'
import { isMainThread } from './native.js'
import { deadlineOf, type Settings, settle, signalOf } from './options.js'
import type { OwnedFd } from './owned-fd.js'
import { PacketSource } from './packet-source.js'
import { unwatch, WAIT_SLICE_MS, watch } from './poller.js'
import { quiet, rejected } from './rejected.js'
import * as socket from './socket.js'
import { END, READ, type Source } from './source.js'
import { StreamSource } from './stream-source.js'
import { batches, message, messageWithFds, result, takeNow } from './takings.js'
import { tracing } from './trace.js'
import { countMessages, turnIsOver } from './turn.js'
import type { BlockingOptions, ChannelOptions, EndpointStats, WaitOptions } from './types.js'
import { Pending, type Taking, type Waiter } from './waiter.js'

const MISSES_BEFORE_WAITING = 8
const LOOKS_AGAIN_AFTER = 8

/** What `select` may do with a receiver, beside what everybody may. */
export const kInner: unique symbol = Symbol('wormhole.inner')

/** @internal */
export interface Inner {
  readonly batch: Batch
  readonly settings: Settings
  /** When `select` last took from this receiver: the one that waited longest comes first. */
  lastServed: number
  readonly ended: boolean
  /** Whether a message is here, or could be read without waiting, for somebody who comes now. */
  ready(): boolean
  /** Serves those who wait with what can be read without waiting. */
  serve(): void
  join(waiter: Waiter): void
  leave(waiter: Waiter): void
}

/**
 * The receiving end of a channel. Several processes may hold one and share the work: each message goes to
 * exactly one of them, as a packet is read only when somebody waits for a message.
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 *
 * const [sender, receiver] = channel<{ id: number }>()
 * for await (const { id } of receiver) console.log(id)
 */
export class Receiver<out T = unknown> extends Endpoint {
  readonly #counters = newCounters()
  readonly #batch = new Batch(this)
  readonly #source: Source
  #waiters: List<Waiter> | null = null
  /** The descriptor that is watched for somebody who waits: the channel's or a side stream's. */
  #watched = -1
  #ended = false
  /** Calls in a row that looked for a message and found none. */
  #misses = 0
  #inner: Inner | null = null

  /** @internal Use `channel()` or `Receiver.fromFd()`. */
  constructor(fd: number, type: number, settings: Settings) {
    super(fd, settings)
    const context = { descriptor: this.descriptor, settings, counters: this.#counters }
    this.#source = type === socket.SOCK_SEQPACKET ? new PacketSource(context) : new StreamSource(context)
    opened(this)
  }

  /**
   * Adopts a connected Unix socket of type SOCK_SEQPACKET or SOCK_STREAM: this object owns `fd` from now on.
   * Its file status flags are left alone.
   *
   * @throws ERR_WORMHOLE_BAD_FD when it is no such socket or is owned already
   *
   * @example
   * import { Receiver } from 'wormhole-ipc'
   *
   * const jobs = Receiver.fromFd<{ id: number }>(3) // descriptor 3, as the parent's `stdio` had it
   * console.log((await jobs.recv()).id)
   */
  static fromFd<T = unknown>(fd: number, options?: ChannelOptions<T>): Receiver<T> {
    const settings = settle(options)
    const type = socket.adoptChannel(fd)
    try {
      return new Receiver<T>(fd, type, settings)
    } catch (error) {
      socket.release(fd)
      throw error
    }
  }

  /**
   * The next message. Its descriptors, if it has any, are closed: take them with `recvWithFds`. Several
   * waiting calls are served first come, first served. When `signal` aborts, the socket is read once more
   * without waiting: a message that is there wins; otherwise the next one stays for the next taker. A signal that
   * is aborted already rejects at once.
   *
   * @throws at once: ERR_WORMHOLE_CLOSED
   * @returns rejects with ERR_WORMHOLE_DISCONNECTED at the end; with ERR_WORMHOLE_MALFORMED, _TOO_LARGE, _INVALID,
   * _TRUNCATED or _FDS_TRUNCATED for this one message; with ERR_WORMHOLE_SYSTEM; or with the signal's reason
   *
   * @example
   * const { id } = await receiver.recv()
   * const next = await receiver.recv({ signal: AbortSignal.timeout(1000) }) // or it rejects with a TimeoutError
   */
  recv(options?: WaitOptions): Promise<T> {
    this.assertUsable()
    return this.#take(message as Taking<T>, options)
  }

  /**
   * The next message and the descriptors that came with it, which are the caller's to close. Otherwise as `recv`.
   *
   * @throws at once: ERR_WORMHOLE_CLOSED
   * @returns rejects with what `recv` rejects with
   *
   * @example
   * const [{ id }, fds] = await receiver.recvWithFds()
   * for (const fd of fds) fd.close()
   */
  recvWithFds(options?: WaitOptions): Promise<[message: T, fds: OwnedFd[]]> {
    this.assertUsable()
    return this.#take(messageWithFds as Taking<[T, OwnedFd[]]>, options)
  }

  /**
   * The next message if it can be had without waiting, else `undefined`. Calls that wait already come first.
   *
   * @throws ERR_WORMHOLE_DISCONNECTED at the end, and what `recv` rejects with
   *
   * @example
   * let message = receiver.tryRecv()
   * while (message !== undefined) {
   *   handle(message)
   *   message = receiver.tryRecv()
   * }
   */
  tryRecv(): T | undefined {
    this.assertUsable()
    if (this.#ready()) return this.#messageNow()
    if (this.#ended) throw disconnectedError('Receiver')
    return undefined
  }

  /**
   * The next message, blocking this thread until it comes. Calls that wait already come first.
   *
   * @throws ERR_WORMHOLE_TIMEOUT when none came in time (nothing is lost), and what `recv` rejects with
   *
   * @example
   * const { id } = receiver.recvSync({ timeout: 1000 })
   */
  recvSync(options?: BlockingOptions): T {
    this.assertUsable()
    this.#block(options)
    return this.#messageNow()
  }

  /**
   * The next message with its descriptors, blocking this thread. Otherwise as `recvSync`.
   *
   * @throws what `recvSync` throws
   *
   * @example
   * const [{ id }, fds] = receiver.recvWithFdsSync({ timeout: 1000 })
   * for (const fd of fds) fd.close()
   */
  recvWithFdsSync(options?: BlockingOptions): [message: T, fds: OwnedFd[]] {
    this.assertUsable()
    this.#block(options)
    return this.#now()
  }

  /**
   * Messages until every sender is gone. A message that fails rejects its one step; iterating anew goes on
   * behind it. Leaving the loop loses nothing and leaves this end open.
   *
   * @example
   * for await (const { id } of receiver) {
   *   if (id === 100) break // the receiver stays open, and message 101 stays for the next
   * }
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this.#iterate(result as Taking<IteratorResult<T>>)
  }

  /**
   * Messages by what one packet held: one step for many messages, at high rates. Otherwise as iteration.
   *
   * @example
   * for await (const jobs of receiver.batches()) console.log(`${jobs.length} at once`)
   */
  batches(): AsyncIterableIterator<T[]> {
    return this.#iterate(batches as Taking<IteratorResult<T[]>>)
  }

  /**
   * Another receiving end of the same channel, to be closed or moved by itself. They share the messages.
   *
   * @throws ERR_WORMHOLE_CLOSED, ERR_WORMHOLE_DISCONNECTED, ERR_WORMHOLE_SYSTEM (EMFILE: no descriptors left)
   *
   * @example
   * import { fork } from 'wormhole-ipc/process'
   *
   * // Two children and this process share the jobs: each goes to exactly one.
   * for (let count = 0; count < 2; count++) fork('./worker.js', { channels: { jobs: receiver.clone() } })
   */
  clone(): Receiver<T> {
    const fd = this.duplicate()
    return new Receiver<T>(fd, socket.channelType(fd), this.settings)
  }

  /**
   * Closes this end: drops the messages it holds, and rejects what waits with ERR_WORMHOLE_CLOSED.
   *
   * @example
   * receiver.close() // senders get ERR_WORMHOLE_DISCONNECTED once no process has another receiving end
   */
  close(): void {
    if (this.shut) return
    this.shut = true
    this.letGo()
    this.#counters.messages -= this.#batch.left
    this.#batch.clear()
    this.#source.drop()
    closeEnd(this, this.descriptor, 'closed')
  }

  /**
   * What this end has done so far. Also after `close()`.
   *
   * @example
   * const { messages, packets } = receiver.stats()
   * console.log(`${messages / packets} messages a packet`)
   */
  stats(): EndpointStats {
    const stats = statsOf(this.#counters, this.#batch.left)
    stats.messages -= stats.queued
    return stats
  }

  /** @internal */
  get [kInner](): Inner {
    this.assertUsable()
    this.#inner ??= this.#makeInner()
    return this.#inner
  }

  /** Called by the poller: what is watched is ready. @internal */
  onReady(): void {
    this.#serve()
  }

  /** Called by the poller. @internal */
  onFailure(error: unknown): void {
    this.#watched = -1
    failed(this, error)
    this.#failAll(error)
  }

  protected override get disconnected(): boolean {
    return this.#ended
  }

  protected override held(): number {
    return this.#batch.left + (this.#source.partial ? 1 : 0)
  }

  protected override letGo(): void {
    this.#unwatch()
    this.#failAll(closedError('Receiver'))
  }

  protected override setKeepsAlive(keepsAlive: boolean): this {
    super.setKeepsAlive(keepsAlive)
    if (this.#watched >= 0) watch(this.#watched, socket.POLLIN, this, keepsAlive)
    return this
  }

  get #waiting(): boolean {
    return this.#waiters !== null && this.#waiters.size > 0
  }

  /** Whether something can be taken now; reads a packet when nothing is left of the last. */
  #available(waits = false): boolean {
    if (this.#batch.left > 0) return true
    if (this.#ended) return false
    const { bytes } = this.#counters
    const found = this.#source.read(this.#batch, waits)
    if (found === END) this.#end()
    if (found !== READ) return false
    endWait(this.#counters, this)
    const count = this.#batch.left
    this.#counters.messages += count
    countMessages(count)
    return !observesReads(this.#batch) || this.#tell(this.#counters.bytes - bytes)
  }

  /** Tells those who observe. Whether messages are still here: one of them may have taken some, or closed this end. */
  #tell(bytes: number): boolean {
    received(this, this.#batch, bytes)
    this.assertUsable()
    return this.#batch.left > 0
  }

  /**
   * Whether a call that may wait looks for a message first. In a dialogue there is none yet, each time: then most
   * calls save the system call, and a message that is there after all comes with the event loop's next turn.
   */
  #worthALook(): boolean {
    if (this.#ended || !this.keepsAlive) return true
    this.#misses++
    return this.#misses <= MISSES_BEFORE_WAITING || this.#misses % LOOKS_AGAIN_AFTER === 0
  }

  /** The same for somebody who comes now: those who wait already are served before. */
  #ready(waits = false): boolean {
    if (this.#waiting) this.#serve()
    return !this.#waiting && this.#available(waits)
  }

  /** Takes a message that is available; its descriptors are closed. */
  #messageNow(): T {
    if (this.settings.schema === undefined) return this.#batch.takeMessage() as T
    const [value, fds] = this.#now()
    closeEach(fds)
    return value
  }

  /** Takes what is available. */
  #now(): [T, OwnedFd[]] {
    return takeNow(this.#batch, this.settings.schema) as [T, OwnedFd[]]
  }

  #take<V>(taking: Taking<V>, options: WaitOptions | undefined, waits?: (waiter: Waiter) => void): Promise<V> {
    try {
      const signal = signalOf(options)
      signal?.throwIfAborted()
      if (!this.#waiting) {
        if (this.#batch.left > 0 || (!turnIsOver() && this.#worthALook() && this.#available())) {
          this.#misses = 0
          const value = taking.take(this.#batch, this.settings.schema)
          return value instanceof Promise ? quiet(value) : Promise.resolve(value)
        }
        if (this.#ended) return Promise.resolve(taking.end())
      }
      const waiter = new Pending<V>(taking, this.#batch, this.settings.schema)
      this.#join(waiter)
      waits?.(waiter)
      if (signal !== undefined) {
        const stop = onAbort(signal, () => this.#abort(waiter, signal.reason))
        waiter.promise.then(stop, stop)
      }
      return waiter.promise
    } catch (error) {
      return rejected(error)
    }
  }

  /** Waits until something is available. */
  #block(options: BlockingOptions | undefined): void {
    const deadline = deadlineOf(options)
    // A worker looks up now and then: it may have been terminated. A trace is to tell of the wait.
    const waits = isMainThread && deadline === Number.POSITIVE_INFINITY && !tracing
    for (;;) {
      if (this.#ready(waits)) return
      if (this.#ended) throw disconnectedError('Receiver')
      const left = deadline - performance.now()
      if (left <= 0) {
        if (this.#watched < 0) endWait(this.#counters, this, 'waits no longer')
        throw new WormholeError('ERR_WORMHOLE_TIMEOUT', 'no message came in time')
      }
      if (beginWait(this.#counters, this, 'waits')) this.#counters.waits++
      socket.wait([this.#source.waitsFor], socket.POLLIN, Math.min(left, WAIT_SLICE_MS))
    }
  }

  #iterate<V>(taking: Taking<IteratorResult<V>>): AsyncIterableIterator<V> {
    let waiters: Waiter[] = []
    let left = false
    const plain = taking === (result as unknown) && this.settings.schema === undefined
    const waits = (waiter: Waiter) => {
      waiters = waiters.filter(({ list }) => list !== null)
      waiters.push(waiter)
    }
    const iterator: AsyncIterableIterator<V> = {
      next: () => {
        if (left) return Promise.resolve({ done: true, value: undefined })
        try {
          // A message that is here already, as in most steps of a fast stream: what holds one is usable.
          if (plain && this.#batch.left > 0 && !this.#waiting) {
            return Promise.resolve({ done: false, value: this.#batch.takeMessage() as V })
          }
          this.assertUsable()
        } catch (error) {
          return rejected(error)
        }
        return this.#take(taking, undefined, waits)
      },
      return: () => {
        left = true
        for (const waiter of waiters) {
          if (waiter.list === null) continue
          this.#leave(waiter)
          waiter.end()
        }
        return Promise.resolve({ done: true, value: undefined })
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  #join(waiter: Waiter): void {
    this.#waiters ??= new List()
    this.#watch()
    this.#counters.waits++
    this.#waiters.push(waiter)
  }

  #leave(waiter: Waiter): void {
    this.#waiters?.remove(waiter)
    if (!this.#waiting) this.#unwatch()
  }

  /** After a long busy spell Node runs timers before it polls: a message that is there must win. */
  #abort(waiter: Waiter, reason: unknown): void {
    this.#serve()
    if (waiter.list === null) return
    this.#leave(waiter)
    waiter.fail(reason)
  }

  #serve(): void {
    while (this.#waiting && this.#available()) this.#waiters?.shift()?.serve()
    if (!this.#waiting) this.#unwatch()
    else if (this.#ended) this.#endAll()
    else {
      try {
        this.#watch()
      } catch (error) {
        this.#failAll(error)
      }
    }
  }

  #watch(): void {
    const fd = this.#source.waitsFor
    if (this.#watched !== fd) this.#unwatch()
    this.#watched = -1
    watch(fd, socket.POLLIN, this, this.keepsAlive)
    this.#watched = fd
    beginWait(this.#counters, this, 'waits')
  }

  #unwatch(): void {
    if (this.#watched >= 0) unwatch(this.#watched)
    this.#watched = -1
    endWait(this.#counters, this, 'waits no longer')
  }

  /** Nothing will come any more: the descriptor has no further use. */
  #end(): void {
    this.#ended = true
    this.#unwatch()
    this.#source.drop()
    closeEnd(this, this.descriptor, 'ended')
  }

  #endAll(): void {
    for (let waiter = this.#waiters?.shift(); waiter != null; waiter = this.#waiters?.shift()) waiter.end()
  }

  #failAll(error: unknown): void {
    for (let waiter = this.#waiters?.shift(); waiter != null; waiter = this.#waiters?.shift()) waiter.fail(error)
  }

  #makeInner(): Inner {
    const receiver = this
    return {
      batch: this.#batch,
      settings: this.settings,
      lastServed: 0,
      get ended() {
        return receiver.#ended
      },
      ready: () => this.#ready(),
      serve: () => this.#serve(),
      join: (waiter) => this.#join(waiter),
      leave: (waiter) => this.#leave(waiter),
    }
  }
}

ends.receiver = Receiver.fromFd
