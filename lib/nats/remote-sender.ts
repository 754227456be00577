import type { Writable } from 'node:stream'
import { writableOf } from '../channel/writable.js'
import { describe } from '../core/describe.js'
import { argumentError } from '../core/errors.js'
import { Buffer, Promise } from '../core/globals.js'
import { signalOf, type WaitOptions } from '../core/options.js'
import { quiet, rejected } from '../core/promises.js'
import { type EndpointStats, statsOf } from '../core/telemetry.js'
import { tooLarge, toText } from '../wire/json.js'
import { isLonger } from './packet.js'
import { PacketPublisher } from './packet-publisher.js'
import { Publisher, Request } from './publisher.js'
import type { Remote } from './remote.js'
import { INSTEAD_OF_FDS, RemoteEnd } from './remote-end.js'
import { SendAll } from './send-all.js'

/**
 * What a remote sender has done so far. `messages`, `bytes` and `packets` are those that the stream has acknowledged.
 *
 * @example
 * import type { RemoteSenderStats } from 'wormhole-ipc/nats'
 *
 * const troubled = ({ retries, waits }: RemoteSenderStats) => retries > 0 || waits > 0
 */
export interface RemoteSenderStats extends EndpointStats {
  /** How often a packet was published again, as no acknowledgement came. The stream keeps one of them. */
  retries: number
}

/**
 * The sending end of a remote channel. Any number of processes may have one of the same name; the messages of each keep their
 * order.
 *
 * @example
 * import { natsSender } from 'wormhole-ipc/nats'
 *
 * const sender = await natsSender<{ id: number }>(connection, 'jobs')
 * await sender.send({ id: 1 }) // the stream has it
 * await sender.close()
 */
export class RemoteSender<in T = unknown> extends RemoteEnd {
  static {
    // Errors and traces show it, and bundlers rename classes.
    Object.defineProperty(RemoteSender, 'name', { value: 'RemoteSender' })
  }

  readonly #packets: PacketPublisher
  readonly #publisher: Publisher
  readonly #running = new Set<Promise<number>>()
  #retries = 0

  /** @internal Use `natsSender()`. */
  constructor(remote: Remote) {
    super(remote)
    this.#packets = new PacketPublisher(remote, () => this.#retries++)
    this.#publisher = new Publisher(this, this.#packets)
  }

  /**
   * Sends a message. It is serialized to JSON before this returns; the promise resolves once the stream has it, and from then
   * on it survives this process. If the stream is full, or the server cannot be reached, the message waits. Sends that are made
   * while another is under way share a packet (see `coalesce`), and keep their order.
   *
   * If `signal` aborts, a message that still waits is withdrawn; one that is being published may arrive all the same.
   *
   * @throws synchronously: ERR_WORMHOLE_UNSERIALIZABLE, ERR_WORMHOLE_CLOSED
   * @returns a promise that rejects with ERR_WORMHOLE_TOO_LARGE; with ERR_WORMHOLE_DISCONNECTED if the connection is closed;
   * with ERR_WORMHOLE_SERVER if the stream is gone or refuses it; or with the signal's reason
   *
   * @example
   * await sender.send({ id: 2 }, { signal: AbortSignal.timeout(1000) }) // or it rejects with a TimeoutError
   */
  send(message: T, options?: WaitOptions): Promise<void> {
    this.assertUsable()
    const text = toText(message)
    this.assertUsable()
    try {
      const signal = signalOf(options, 'send')
      signal?.throwIfAborted()
      return this.#publisher.submit(new Request(this.#checked(text), 1), signal)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Sends every message of an iterable, as many to a packet as fit, and resolves to their number once the stream has them
   * all. The iterable is asked for more only as the stream takes messages. If it fails midway, `stats().messages` tells how many
   * messages of this sender the stream has.
   *
   * @returns a promise that rejects with what `send` rejects with, with ERR_WORMHOLE_UNSERIALIZABLE, and with what the iterable
   * throws; the messages before are sent, unless `signal` has aborted
   *
   * @example
   * const count = await sender.sendAll([{ id: 1 }, { id: 2 }])
   */
  sendAll(messages: Iterable<T> | AsyncIterable<T>, options?: WaitOptions): Promise<number> {
    this.assertUsable()
    try {
      const signal = signalOf(options, 'sendAll')
      signal?.throwIfAborted()
      const all = new SendAll(this.#publisher, this.settings, (message) => this.#checked(toText(message)), signal)
      const running = isAsync(messages) ? all.each(messages) : all.batches(assertIterable(messages))
      this.#running.add(running)
      const done = () => this.#running.delete(running)
      running.then(done, done)
      return running
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Resolves once the stream has all sends that are pending now; rejects with the first that fails. Also after `close()`.
   *
   * @returns a promise that rejects with what the failed send or `sendAll` rejects with
   *
   * @example
   * void sender.send({ id: 1 })
   * await sender.flush()
   */
  flush(): Promise<void> {
    return quiet(Promise.all([this.#publisher.flush(), ...this.#running]).then(() => undefined))
  }

  /**
   * Returns a stream for `pipeline()`, in object mode: each chunk is one message. Ending or destroying it closes this sender.
   *
   * @throws ERR_WORMHOLE_CLOSED. The stream fails with what `send` rejects with
   *
   * @example
   * import { pipeline } from 'node:stream/promises'
   *
   * await pipeline([{ id: 1 }, { id: 2 }], sender.writable())
   */
  writable(): Writable {
    this.assertUsable()
    return writableOf(() => ({
      write: (message) => this.send(message as T),
      writeAll: (messages) => this.sendAll(messages as readonly T[]),
      flush: () => this.flush(),
      close: () => void this.close(),
    }))
  }

  /**
   * Closes this end: no more can be sent. The promise resolves once what was sent before has been acknowledged, or has failed:
   * its own promise tells. The stream stays, with what it holds; so does the connection.
   *
   * @example
   * void sender.send({ id: 1 })
   * await sender.close()
   * await connection.close()
   */
  override close(): Promise<void> {
    return super.close()
  }

  /**
   * Returns counts of what this end has done so far, also after `close()`.
   *
   * @example
   * const { messages, retries } = done.stats()
   */
  stats(): RemoteSenderStats {
    return { ...statsOf(this.counters, this.#publisher.queued), retries: this.#retries }
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: use `send`.
   *
   * @example
   * await done.send({ id: 1 }, { signal: AbortSignal.timeout(100) })
   */
  trySend(_message: T): never {
    return this.unsupported('trySend', 'use send(), with a signal if it must not wait for long')
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: use `await send`.
   *
   * @example
   * await done.send({ id: 1 })
   */
  sendSync(_message: T): never {
    return this.unsupported('sendSync', 'use await send()')
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: a descriptor stays on its machine.
   *
   * @example
   * await done.send({ id: 1 }) // the data, or a name for it
   */
  sendWithFds(_message: T, _fds: readonly unknown[]): never {
    return this.unsupported('sendWithFds', INSTEAD_OF_FDS)
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: a descriptor stays on its machine.
   *
   * @example
   * await done.send({ id: 1 }) // the data, or a name for it
   */
  sendWithFdsSync(_message: T, _fds: readonly unknown[]): never {
    return this.unsupported('sendWithFdsSync', INSTEAD_OF_FDS)
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: a stream keeps messages whether there are receivers or not.
   *
   * @example
   * await done.send({ id: 1 }) // the stream keeps it until a receiver comes
   */
  gone(): never {
    return this.unsupported('gone', 'a stream keeps messages whether there are receivers or not')
  }

  protected override async shut(): Promise<void> {
    await Promise.allSettled([...this.#running])
    await this.#publisher.settled()
    this.#packets.close()
  }

  #checked(text: string): string {
    const { maxMessageBytes } = this.settings
    if (isLonger(text, maxMessageBytes)) throw tooLarge(Buffer.byteLength(text), maxMessageBytes)
    return text
  }
}

function isAsync<T>(messages: Iterable<T> | AsyncIterable<T>): messages is AsyncIterable<T> {
  return typeof (messages as AsyncIterable<T> | undefined)?.[Symbol.asyncIterator] === 'function'
}

function assertIterable<T>(messages: Iterable<T>): Iterable<T> {
  if (typeof messages?.[Symbol.iterator] === 'function') return messages
  throw argumentError(`sendAll() takes an iterable of messages, not ${describe(messages)}`)
}
