import type { Writable } from 'node:stream'
import { onAbort } from '../core/abort.js'
import { describe } from '../core/describe.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import {
  type BlockingOptions,
  type ChannelOptions,
  deadlineOf,
  resolveOptions,
  type Settings,
  signalOf,
  type WaitOptions,
} from '../core/options.js'
import { rejected } from '../core/promises.js'
import { type EndpointStats, opened, statsOf } from '../core/telemetry.js'
import { kEnd } from '../fd/descriptor.js'
import { GIVEN_UP } from '../fd/end-context.js'
import { type FdSource, numbersOf, Transfer } from '../fd/transfer.js'
import * as socket from '../os/syscalls.js'
import { MessageWriter } from '../send/message-writer.js'
import { SendAll } from '../send/send-all.js'
import { DIRECTLY, SendQueue, UNLESS_SCHEDULED } from '../send/send-queue.js'
import type { Poster, SendRequest } from '../send/send-request.js'
import { toText } from '../wire/json.js'
import { Endpoint } from './endpoint.js'
import { writableOf } from './writable.js'

/**
 * The sending end of a channel. Several processes may hold one; the messages of each sender keep their order.
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 *
 * const [sender, receiver] = channel<{ id: number }>()
 * await sender.send({ id: 1 })
 * sender.close()
 */
export class Sender<in T = unknown> extends Endpoint {
  static {
    // Errors and traces show it, and bundlers rename classes.
    Object.defineProperty(Sender, 'name', { value: 'Sender' })
  }

  readonly #queue: SendQueue

  /** @internal Use `channel()` or `Sender.fromFd()`. */
  constructor(fd: number, type: number, settings: Settings) {
    super(fd, settings)
    this.#queue = new SendQueue(this, type)
    opened(this)
  }

  /**
   * Adopts a connected Unix socket of type SOCK_SEQPACKET or SOCK_STREAM: the sender owns `fd` from then on. The file
   * status flags are not changed.
   *
   * @throws ERR_WORMHOLE_BAD_FD if `fd` is no such socket or is owned already
   *
   * @example
   * import { Sender } from 'wormhole-ipc'
   *
   * const log = Sender.fromFd<string>(3) // descriptor 3, as the parent's `stdio` had it
   * await log.send('started')
   */
  static fromFd<T = unknown>(fd: number, options?: ChannelOptions): Sender<T> {
    const settings = resolveOptions(options)
    const type = socket.adoptChannel(fd)
    try {
      return new Sender<T>(fd, type, settings)
    } catch (error) {
      socket.release(fd)
      throw error
    }
  }

  /**
   * Sends a message. It is serialized to JSON before this returns; the promise resolves once the kernel has it, and from
   * then on it survives this process. If the channel is full, the message waits. Sends made in one tick share packets (see
   * `coalesce`) and keep their order. What JSON cannot represent arrives changed: an Error, a Map and a Set become `{}`
   * (`docs/migrating-from-process-send.md` has a table, and what to do).
   *
   * If `signal` aborts, the message is withdrawn while it waits. A message too long for one packet may already be under
   * way: then the receiver gets ERR_WORMHOLE_TRUNCATED in its place.
   *
   * @throws synchronously: ERR_WORMHOLE_UNSERIALIZABLE, ERR_WORMHOLE_CLOSED
   * @returns a promise that rejects with ERR_WORMHOLE_DISCONNECTED, _TOO_LARGE or _SYSTEM, or with the signal's reason
   *
   * @example
   * await sender.send({ id: 1 }) // the kernel has it
   * await sender.send({ id: 2 }, { signal: AbortSignal.timeout(1000) }) // or it rejects with a TimeoutError
   */
  send(message: T, options?: WaitOptions): Promise<void> {
    const text = this.#text(message)
    try {
      const sent = options === undefined ? this.#queue.submitAlone(text) : null
      if (sent !== null) return sent
    } catch (error) {
      return rejected(error)
    }
    return this.#send('send', text, NO_FDS, options)
  }

  /**
   * Sends a message with up to 253 descriptors (the kernel's SCM_MAX_FD; 252 with a message too long for one packet). Ends
   * and OwnedFds are moved: closed here once the kernel has them, usable again if the send fails. Others stay the caller's:
   * this call sends or duplicates them before it returns. Otherwise like `send`.
   *
   * @returns a promise that rejects with what `send` rejects with, and with ERR_WORMHOLE_TOO_MANY_FDS, ERR_WORMHOLE_BAD_FD,
   * ERR_WORMHOLE_PENDING
   *
   * @example
   * import { open } from 'node:fs/promises'
   *
   * const file = await open('package.json')
   * await sender.sendWithFds({ id: 1 }, [file])
   * await file.close() // still ours: the receiver has a duplicate
   */
  sendWithFds(message: T, fds: readonly FdSource[], options?: WaitOptions): Promise<void> {
    const text = this.#text(message)
    try {
      const numbers = options === undefined && Array.isArray(fds) ? numbersOf(fds) : null
      if (numbers !== null && this.#queue.trySubmit(text, UNLESS_SCHEDULED, numbers)) return Promise.resolve()
    } catch (error) {
      return rejected(error)
    }
    return this.#send('sendWithFds', text, fds, options)
  }

  /** Sends a message's text as `send` does, without a promise: `poster` is told if it is not sent. @internal */
  post(text: string, poster: Poster, id: number): void {
    this.assertUsable()
    this.#queue.post(text, poster, id)
  }

  /** Returns the message's JSON. Its `toJSON` methods are the caller's code, which may close this sender. */
  #text(message: T): string {
    this.assertUsable()
    const text = toText(message)
    this.assertUsable()
    return text
  }

  #send(call: string, text: string, fds: readonly FdSource[], options: WaitOptions | undefined): Promise<void> {
    let request: SendRequest
    let signal: AbortSignal | undefined
    try {
      signal = signalOf(options, call)
      signal?.throwIfAborted()
      request = this.#request(call, text, fds)
    } catch (error) {
      return rejected(error)
    }
    this.#queue.enqueue(request)
    const promise = request.wait()
    if (signal !== undefined && !request.settled) {
      const stop = onAbort(signal, () => this.#queue.giveUp(request, (signal as AbortSignal).reason))
      promise.then(stop, stop)
    }
    return promise
  }

  /**
   * Sends every message of an iterable, as many to a packet as fit, and resolves to their number once the kernel has them
   * all. The iterable is asked for more only as the channel takes messages. If it fails midway, `stats().messages` tells
   * how many messages of this sender the kernel has. `close()` waits for it; abort `signal` to stop it. An iterator that is
   * not read to its end gets `return()`; what that throws is an unhandled rejection.
   *
   * If the promise has no handler, an error that the iterable throws is an unhandled rejection, and so is a message that
   * cannot be serialized, unless a `flush()` waits that rejects with it.
   *
   * @returns a promise that rejects with what `send` rejects with, and with ERR_WORMHOLE_UNSERIALIZABLE; the messages before
   * are sent, unless `signal` has aborted
   *
   * @example
   * function* jobs() {
   *   for (let id = 0; id < 1_000_000; id++) yield { id }
   * }
   * const count = await sender.sendAll(jobs())
   */
  sendAll(messages: Iterable<T> | AsyncIterable<T>, options?: WaitOptions): Promise<number> {
    this.assertUsable()
    try {
      const signal = signalOf(options, 'sendAll')
      signal?.throwIfAborted()
      const all = new SendAll(this.#queue, signal)
      const asynchronous = isAsync(messages)
      if (!asynchronous && typeof messages?.[Symbol.iterator] !== 'function')
        throw argumentError(`sendAll() takes an iterable of messages, not ${describe(messages)}`)
      return this.#queue.track(
        () => (asynchronous || !this.settings.coalesce ? all.each(messages, asynchronous) : all.batches(messages)),
        (error) => all.isCallers(error)
      )
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Sends a message without waiting. Returns `false` if the channel is full; then nothing was sent. A message too long for
   * one packet is sent only if the buffer of its side stream takes it whole; for one longer than that this always returns
   * `false` (use `send`).
   *
   * @throws what `send` throws or rejects with
   *
   * @example
   * if (!sender.trySend({ id: 1 })) console.log('full: dropped')
   */
  trySend(message: T): boolean {
    return this.tryPost(this.#text(message))
  }

  /** Whether a message's text surely fits into a packet. @internal */
  fits(text: string): boolean {
    return this.#queue.limits.surelyFits(text)
  }

  /** Sends a message's text as `trySend` does. @internal */
  tryPost(text: string): boolean {
    this.assertUsable()
    const submitted = this.#queue.limits.packets ? this.#queue.trySubmit(text, DIRECTLY) : this.#queue.tryStream(text)
    return submitted || this.#queue.trySubmitWhole(this.#request('trySend', text, NO_FDS))
  }

  /**
   * Sends a message, blocking this thread until the kernel has it and all that was sent before it.
   *
   * @throws what `send` throws or rejects with; ERR_WORMHOLE_TIMEOUT if the channel stayed full, and the message was not
   * sent. A SOCK_STREAM socket that has taken part of it gets the rest later; the error says so
   *
   * @example
   * sender.sendSync({ id: 1 }, { timeout: 1000 })
   */
  sendSync(message: T, options?: BlockingOptions): void {
    this.#sendBlocking('sendSync', this.#text(message), NO_FDS, options)
  }

  /**
   * Sends a message with descriptors as `sendWithFds` does, blocking this thread as `sendSync` does.
   *
   * @throws what `sendSync` throws, and ERR_WORMHOLE_TOO_MANY_FDS, ERR_WORMHOLE_BAD_FD, ERR_WORMHOLE_PENDING
   *
   * @example
   * sender.sendWithFdsSync({ id: 1 }, [process.stdout.fd])
   */
  sendWithFdsSync(message: T, fds: readonly FdSource[], options?: BlockingOptions): void {
    this.#sendBlocking('sendWithFdsSync', this.#text(message), fds, options)
  }

  #sendBlocking(call: string, text: string, fds: readonly FdSource[], options: BlockingOptions | undefined): void {
    // Checked before anything is sent; the time counts from the beginning of the wait.
    deadlineOf(options, call)
    if (fds === NO_FDS && this.#queue.trySubmit(text, DIRECTLY)) return
    const request = this.#request(call, text, fds)
    this.#queue.submit(request)
    if (!request.settled) this.#queue.pumpUntil(request, deadlineOf(options, call))
    if (!request.settled) {
      const error = new WormholeError('ERR_WORMHOLE_TIMEOUT', 'the channel stayed full; the message was not sent')
      if (!this.#queue.withdraw(request, error)) {
        throw new WormholeError(
          'ERR_WORMHOLE_TIMEOUT',
          'the byte stream stayed full; it has part of the message, and the rest will follow: do not send it again'
        )
      }
    }
    if (request.error !== undefined) throw request.error
  }

  #request(call: string, text: string, fds: readonly FdSource[]): SendRequest {
    if (!Array.isArray(fds)) {
      throw argumentError(
        `${call}() takes an array of descriptors, not ${describe(fds)}: use ${call}(message, [descriptor])`
      )
    }
    // Checked before anything moves: a message that is too long leaves its descriptors alone.
    const request = this.#queue.limits.request(text)
    if (fds.length > 0) request.transfer = new Transfer(fds, this.#queue.limits.maxFds(request))
    return request
  }

  /**
   * Resolves once the kernel has all sends that are pending now; rejects with the first that fails. Also after `close()`.
   *
   * @returns a promise that rejects with what the failed send or `sendAll` rejects with
   *
   * @example
   * void sender.send({ id: 1 })
   * void sender.send({ id: 2 })
   * await sender.flush() // the kernel has both
   */
  flush(): Promise<void> {
    return this.#queue.flush()
  }

  /**
   * Resolves once every receiving end is gone, even if nothing is ever sent. Any number of calls share one watch. The wait
   * keeps the process alive, unless this end is `unref()`ed.
   *
   * @throws synchronously: ERR_WORMHOLE_CLOSED
   * @returns a promise that rejects with the signal's reason, or ERR_WORMHOLE_CLOSED if this end is closed, detached or moved
   *
   * @example
   * void sender.gone().then(() => console.log('every receiver is gone'))
   */
  gone(options?: WaitOptions): Promise<void> {
    this.assertUsable()
    try {
      const signal = signalOf(options, 'gone')
      signal?.throwIfAborted()
      return this.#queue.transmitter.untilGone(signal)
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Returns a stream for `pipeline()`, in object mode: each chunk is one message, and writing waits while the channel is
   * full. Ending or destroying it closes this sender. A chunk's callback says that the message is accepted; once the
   * stream has finished, or after `flush()`, the kernel has it.
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
    const toText = (message: unknown) => this.#text(message as T)
    return writableOf((fail) => new MessageWriter(this.#queue, toText, () => this.close(), fail))
  }

  /**
   * Makes another sending end of the same channel, which is closed or moved by itself.
   *
   * @throws ERR_WORMHOLE_CLOSED, ERR_WORMHOLE_DISCONNECTED, ERR_WORMHOLE_SYSTEM (EMFILE: no descriptors left)
   *
   * @example
   * import { fork } from 'wormhole-ipc/process'
   *
   * fork('./worker.js', { channels: { results: sender.clone() } }) // the child has one, and we have one
   */
  clone(): Sender<T> {
    const fd = this.duplicate()
    return new Sender<T>(fd, socket.channelType(fd), this.settings)
  }

  /**
   * Closes this end once the sends already made have finished, which `flush()` waits for; no more can be made.
   *
   * @example
   * void sender.send({ id: 1 })
   * sender.close() // the message is still sent, and then the receiver ends
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
   * const { messages, waits } = sender.stats()
   * console.log(`${messages} sent; the channel was full ${waits} times`)
   */
  stats(): EndpointStats {
    return statsOf(this.counters, this.#queue.transmitter.pending)
  }

  /** Not for callers. @hidden */
  get [kEnd](): 'sender' {
    return 'sender'
  }

  protected override held(): number {
    // A sendAll that waits for its iterable counts as one: it would have nowhere to send the next.
    return this.#queue.transmitter.pending || this.#queue.running
  }

  protected override endWaits(): void {
    this.#queue.transmitter.endWaits()
  }

  protected override rewatch(): void {
    this.#queue.transmitter.rewatch()
  }
}

const NO_FDS: readonly FdSource[] = []

function isAsync<T>(messages: Iterable<T> | AsyncIterable<T>): messages is AsyncIterable<T> {
  return typeof (messages as AsyncIterable<T> | undefined)?.[Symbol.asyncIterator] === 'function'
}
