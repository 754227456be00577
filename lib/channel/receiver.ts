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
import type { ReceiveQueue } from '../receive/receive-queue.js'
import { kQueue } from '../receive/receiving-end.js'
import { socketQueue } from '../receive/socket-queue.js'
import type { Delivery } from '../receive/waiter.js'
import { Endpoint } from './endpoint.js'

/**
 * The receiving end of a channel. Several processes may hold one and share the work: each message goes to exactly one of
 * them, as a packet is read only when a call waits for a message.
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 *
 * const [sender, receiver] = channel<{ id: number }>()
 * for await (const { id } of receiver) console.log(id)
 */
export class Receiver<out T = unknown> extends Endpoint {
  static {
    // Errors and traces show it, and bundlers rename classes.
    Object.defineProperty(Receiver, 'name', { value: 'Receiver' })
  }

  readonly #queue: ReceiveQueue

  /** @internal Use `channel()` or `Receiver.fromFd()`. */
  constructor(fd: number, type: number, settings: Settings) {
    super(fd, settings)
    this.#queue = socketQueue(this, type)
    opened(this)
  }

  /**
   * Adopts a connected Unix socket of type SOCK_SEQPACKET or SOCK_STREAM: the receiver owns `fd` from then on. The file
   * status flags are not changed.
   *
   * @throws ERR_WORMHOLE_BAD_FD if `fd` is no such socket or is owned already
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
   * Receives the next message, waiting until there is one. Descriptors that came with it are closed: use `recvWithFds` to
   * get them. Several waiting calls are served in the order in which they were made. When `signal` aborts, the socket is
   * read once more without waiting: a message that is there wins; otherwise the next message stays for the next call. A
   * signal that has already aborted rejects immediately.
   *
   * @throws synchronously: ERR_WORMHOLE_CLOSED
   * @returns a promise that rejects with ERR_WORMHOLE_DISCONNECTED at the end; with ERR_WORMHOLE_MALFORMED, _TOO_LARGE,
   * _INVALID, _TRUNCATED or _FDS_TRUNCATED for this one message; with ERR_WORMHOLE_SYSTEM; or with the signal's reason
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
   * Receives the next message and the descriptors that came with it, which the caller must close. Otherwise like `recv`.
   *
   * @throws synchronously: ERR_WORMHOLE_CLOSED
   * @returns a promise that rejects with what `recv` rejects with
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
   * Returns the next message, or `undefined` if none is there, without waiting. Calls that wait already come first.
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
   * Receives the next message, blocking this thread until there is one. Calls that wait already come first.
   *
   * @throws ERR_WORMHOLE_TIMEOUT if none came in time (nothing is lost), and what `recv` rejects with
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
   * Receives the next message and its descriptors, blocking this thread. Otherwise like `recvSync`.
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
   * Iterates over the messages until every sender is gone. A message that fails rejects its one step; iterating again
   * continues after it. Leaving the loop loses nothing and leaves this end open.
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
   * Iterates over arrays of messages, each from one packet: at high rates one step gives many messages. Otherwise like
   * iterating over the receiver.
   *
   * @example
   * for await (const jobs of receiver.batches()) console.log(`${jobs.length} together`)
   */
  batches(): AsyncIterableIterator<T[]> {
    return iterate(this.#queue, batches as Delivery<IteratorResult<T[]>>)
  }

  /**
   * Makes another receiving end of the same channel, which is closed or moved by itself. Both share the messages.
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
   * Closes this end: drops the messages it holds, and rejects calls that wait with ERR_WORMHOLE_CLOSED.
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
   * Returns counts of what this end has done so far, also after `close()`.
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

  /** Not for callers. @hidden */
  get [kEnd](): 'receiver' {
    return 'receiver'
  }

  protected override held(): number {
    return this.#queue.held
  }

  protected override endWaits(): void {
    this.#queue.endWaits()
  }

  protected override rewatch(): void {
    this.#queue.rewatch()
  }

  #messageNow(): T {
    return takeMessageNow(this.#queue.batch, this.settings.schema) as T
  }
}
