import { disconnectedError } from '../core/errors.js'
import {
  type BlockingOptions,
  type ChannelOptions,
  resolveOptions,
  type Settings,
  type WaitOptions,
} from '../core/options.js'
import { type EndpointStats, opened, statsOf } from '../core/telemetry.js'
import { kEnd } from '../fd/descriptor.js'
import { GIVEN_UP } from '../fd/end-context.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { batches, message, messageWithFds, result, takeMessageNow, takeNow } from '../receive/delivery.js'
import { iterate } from '../receive/iteration.js'
import { ReceiveQueue } from '../receive/receive-queue.js'
import { kQueue } from '../receive/receiving-end.js'
import type { Delivery } from '../receive/waiter.js'
import { Endpoint } from './endpoint.js'

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
  static {
    // Errors and traces say it, and bundlers rename classes.
    Object.defineProperty(Receiver, 'name', { value: 'Receiver' })
  }

  readonly #queue: ReceiveQueue

  /** @internal Use `channel()` or `Receiver.fromFd()`. */
  constructor(fd: number, type: number, settings: Settings) {
    super(fd, settings)
    this.#queue = new ReceiveQueue(this, type)
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
    const settings = resolveOptions(options)
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
    return this.#queue.take(message as Delivery<T>, 'recv', options)
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
    return this.#queue.take(messageWithFds as Delivery<[T, OwnedFd[]]>, 'recvWithFds', options)
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
    if (this.#queue.ready()) return this.#messageNow()
    if (this.#queue.ended) throw disconnectedError('Receiver')
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
    this.#queue.block(options, 'recvSync')
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
    this.#queue.block(options, 'recvWithFdsSync')
    return takeNow(this.#queue.batch, this.settings.schema) as [T, OwnedFd[]]
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
    return iterate(this.#queue, result as Delivery<IteratorResult<T>>)
  }

  /**
   * Messages by what one packet held: one step for many messages, at high rates. Otherwise as iteration.
   *
   * @example
   * for await (const jobs of receiver.batches()) console.log(`${jobs.length} at once`)
   */
  batches(): AsyncIterableIterator<T[]> {
    return iterate(this.#queue, batches as Delivery<IteratorResult<T[]>>)
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
    if (this.life === GIVEN_UP) return
    this.life = GIVEN_UP
    this.#queue.close()
  }

  /**
   * What this end has done so far. Also after `close()`.
   *
   * @example
   * const { messages, packets } = receiver.stats()
   * console.log(`${messages / packets} messages a packet`)
   */
  stats(): EndpointStats {
    const stats = statsOf(this.counters, this.#queue.batch.left)
    stats.messages -= stats.queued
    return stats
  }

  /** @internal */
  get [kQueue](): ReceiveQueue {
    this.assertUsable()
    return this.#queue
  }

  /** Nothing for callers. @hidden */
  get [kEnd](): 'receiver' {
    return 'receiver'
  }

  protected override held(): number {
    return this.#queue.held
  }

  protected override letGo(): void {
    this.#queue.letGo()
  }

  protected override rewatch(): void {
    this.#queue.rewatch()
  }

  #messageNow(): T {
    return takeMessageNow(this.#queue.batch, this.settings.schema) as T
  }
}
