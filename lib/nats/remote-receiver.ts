import { within } from '../core/clock.js'
import type { WaitOptions } from '../core/options.js'
import { type EndpointStats, statsOf } from '../core/telemetry.js'
import { kEnd } from '../fd/descriptor.js'
import { batches, message, result } from '../receive/delivery.js'
import { ReceiveQueue } from '../receive/receive-queue.js'
import { kQueue } from '../receive/receiving-end.js'
import type { Delivery } from '../receive/waiter.js'
import { type Lease, leaseFrom } from './lease.js'
import { loopOver } from './loop.js'
import { PacketFeed } from './packet-feed.js'
import type { Remote } from './remote.js'
import { INSTEAD_OF_FDS, RemoteEnd } from './remote-end.js'

/** How long `close()` waits for the server to have what was acknowledged and given back. */
const CLOSE_MS = 2000

/**
 * What a remote receiver has done so far.
 *
 * @example
 * import type { RemoteReceiverStats } from 'wormhole-ipc/nats'
 *
 * const share = ({ redelivered, messages }: RemoteReceiverStats) => redelivered / messages
 */
export interface RemoteReceiverStats extends EndpointStats {
  /**
   * Messages that came to this receiver after somebody, perhaps this one, had had their packet before: at most so many were
   * delivered twice.
   */
  redelivered: number
}

/**
 * The receiving end of a remote channel. Any number of processes may have one of the same name and share the work: each
 * message goes to one of them, and comes again if that dies before it has acknowledged it.
 *
 * @example
 * import { natsReceiver } from 'wormhole-ipc/nats'
 *
 * const receiver = await natsReceiver<{ id: number }>(connection, 'jobs')
 * for await (const { id } of receiver) console.log(id) // acknowledged when the loop asks for the next
 */
export class RemoteReceiver<out T = unknown> extends RemoteEnd {
  static {
    // Errors and traces show it, and bundlers rename classes.
    Object.defineProperty(RemoteReceiver, 'name', { value: 'RemoteReceiver' })
  }

  readonly #feed: PacketFeed
  readonly #queue: ReceiveQueue

  /** @internal Use `natsReceiver()`. */
  constructor(remote: Remote, leaseMs: number) {
    super(remote)
    this.#feed = new PacketFeed(remote, this, leaseMs)
    this.#queue = new ReceiveQueue(this, this.#feed, this.#feed)
  }

  /**
   * Receives the next message, waiting until there is one. It is acknowledged, and so yours alone, once this resolves; what
   * shared its packet, when all of that has been received. Several waiting calls are served in the order in which they were
   * made. When `signal` aborts, nothing is lost: what was asked for goes back to the stream.
   *
   * @throws synchronously: ERR_WORMHOLE_CLOSED
   * @returns a promise that rejects with ERR_WORMHOLE_DISCONNECTED if the connection is closed; with ERR_WORMHOLE_SERVER if the
   * stream is gone; with ERR_WORMHOLE_MALFORMED, _TOO_LARGE or _INVALID for this one message; or with the signal's reason
   *
   * @example
   * const { id } = await receiver.recv({ signal: AbortSignal.timeout(1000) }) // or it rejects with a TimeoutError
   */
  recv(options?: WaitOptions): Promise<T> {
    this.assertUsable()
    return this.#queue.take(message as Delivery<T>, 'recv', options)
  }

  /**
   * Receives the next message, which you acknowledge by hand. Otherwise like `recv`.
   *
   * @throws synchronously: ERR_WORMHOLE_CLOSED
   * @returns a promise that rejects with what `recv` rejects with
   *
   * @example
   * const lease = await todo.lease()
   * await handle(lease.message)
   * lease.ack()
   */
  lease(options?: WaitOptions): Promise<Lease<T>> {
    this.assertUsable()
    return this.#queue.take(leaseFrom(this.#feed) as Delivery<Lease<T>>, 'lease', options)
  }

  /**
   * Iterates over the messages, without an end. Each is acknowledged when the loop asks for the next, and its lease is renewed
   * until then. The message at which the loop is left, by `break` or an error, has not been acknowledged: it comes again.
   *
   * A step rejects with what `recv` rejects with; iterating again continues after a message that failed.
   *
   * @example
   * for await (const { id } of receiver) {
   *   await handle(id) // if this throws, or the process dies, the message comes again
   * }
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return loopOver(this.#queue, this.#feed, result as Delivery<IteratorResult<T>>)
  }

  /**
   * Iterates over arrays of messages, each from one packet, which is acknowledged when the loop asks for the next. Otherwise
   * like iterating over the receiver.
   *
   * @example
   * for await (const jobs of receiver.batches()) console.log(`${jobs.length} together`)
   */
  batches(): AsyncIterableIterator<T[]> {
    return loopOver(this.#queue, this.#feed, batches as Delivery<IteratorResult<T[]>>)
  }

  /**
   * Closes this end: rejects calls that wait with ERR_WORMHOLE_CLOSED, and gives back what was not received or not
   * acknowledged. What was received by a lease stays, and can still be acknowledged. The promise resolves once the server knows;
   * the stream and the connection stay.
   *
   * @example
   * await todo.close()
   * await connection.close()
   */
  override close(): Promise<void> {
    return super.close()
  }

  /**
   * Returns counts of what this end has done so far, also after `close()`.
   *
   * @example
   * const { messages, redelivered } = todo.stats()
   */
  stats(): RemoteReceiverStats {
    const { left } = this.#queue.batch
    const stats = statsOf(this.counters, left + this.#feed.unread)
    stats.messages -= left
    return { ...stats, redelivered: this.#feed.holdings.redelivered }
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: use `recv` with a signal.
   *
   * @example
   * const message = await todo.recv({ signal: AbortSignal.timeout(100) })
   */
  tryRecv(): never {
    return this.unsupported('tryRecv', 'use recv(), with a signal if it must not wait for long')
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: use `await recv`.
   *
   * @example
   * const message = await todo.recv()
   */
  recvSync(): never {
    return this.unsupported('recvSync', 'use await recv()')
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: a descriptor stays on its machine.
   *
   * @example
   * const message = await todo.recv()
   */
  recvWithFds(): never {
    return this.unsupported('recvWithFds', INSTEAD_OF_FDS)
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: a descriptor stays on its machine.
   *
   * @example
   * const message = await todo.recv()
   */
  recvWithFdsSync(): never {
    return this.unsupported('recvWithFdsSync', INSTEAD_OF_FDS)
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

  protected override async shut(): Promise<void> {
    const stopped = this.#feed.stop()
    this.#queue.close()
    await within(CLOSE_MS, stopped)
    const { connection } = this.remote
    if (!connection.isClosed())
      await within(
        CLOSE_MS,
        connection.flush().catch(() => undefined)
      )
  }
}
