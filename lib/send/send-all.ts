import { onAbort } from '../core/abort.js'
import { WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import { tell } from '../core/promises.js'
import { toText } from '../wire/json.js'
import { PLACEHOLDER } from '../wire/outbox.js'
import type { PacketLimits } from './packet-limits.js'
import type { SendQueue } from './send-queue.js'
import type { SendRequest } from './send-request.js'
import { OVER, SourceIterator } from './source-iterator.js'

/** One `sendAll`: asks an iterable for more only as the channel takes messages. */
export class SendAll {
  readonly #queue: SendQueue
  readonly #signal: AbortSignal | undefined
  #iterator: SourceIterator | undefined
  #sent = 0
  /** Rejects the wait for the iterable's answer. */
  #interrupt: (error: unknown) => void = ignore

  constructor(queue: SendQueue, signal: AbortSignal | undefined) {
    this.#queue = queue
    this.#signal = signal
  }

  /** Sends as many messages to a packet as fit. */
  async batches(messages: Iterable<unknown>): Promise<number> {
    try {
      this.#iterator = new SourceIterator(messages, false)
      const batcher = new Batcher(this.#iterator, this.#queue.limits, this.#signal)
      for (let request = batcher.next(); request !== undefined; request = batcher.next()) {
        this.#signal?.throwIfAborted()
        await this.#submitAndWait(request)
        if (overBudget()) await yieldToLoop()
        // Once all is sent, an abort is no failure.
        if (batcher.over) break
        this.#signal?.throwIfAborted()
      }
      return this.#sent
    } catch (error) {
      this.#iterator?.stop((another) => this.#repeats(another))
      throw error
    }
  }

  /** Sends a request for each message: for messages that come one by one, or travel one to a packet. */
  async each(messages: Iterable<unknown> | AsyncIterable<unknown>, isAsync: boolean): Promise<number> {
    const waiting: SendRequest[] = []
    const stops: (() => void)[] = []
    const signal = this.#signal
    try {
      const iterator = new SourceIterator(messages, isAsync)
      this.#iterator = iterator
      stops.push(this.#queue.transmitter.whenGone((error) => this.#interrupt(error)))
      if (signal !== undefined) stops.push(onAbort(signal, () => this.#interrupt(signal.reason)))
      for (;;) {
        const message = iterator.read(isAsync ? await this.#answer(iterator) : iterator.ask())
        if (message === OVER) break
        const text = toText(message)
        // The iterable and its messages run the caller's code, which may have aborted.
        signal?.throwIfAborted()
        const request = this.#queue.limits.request(text)
        this.#queue.enqueue(request)
        waiting.push(request)
        while (waiting[0]?.settled === true) await this.#settleFirst(waiting)
        while (this.#queue.transmitter.blocked && waiting.length > 0) await this.#settleFirst(waiting)
        if (overBudget()) await yieldToLoop()
        signal?.throwIfAborted()
      }
      while (waiting.length > 0) await this.#settleFirst(waiting)
      return this.#sent
    } catch (error) {
      // Stopped immediately, although what was yielded before may have to wait.
      this.#iterator?.stop((another) => this.#repeats(another))
      for (const request of waiting) await this.#settled(request).catch(ignore)
      throw error
    } finally {
      for (const stop of stops) stop()
    }
  }

  /** Whether an error is of the caller's iterable or message: then it must not go unseen. */
  isCallers(error: unknown): boolean {
    if (this.#repeats(error)) return false
    if (this.#iterator?.threw !== false) return true
    return error instanceof WormholeError && error.code === 'ERR_WORMHOLE_UNSERIALIZABLE'
  }

  /** Whether an error of the iterable only says that the signal has aborted. */
  #repeats(error: unknown): boolean {
    const signal = this.#signal
    if (signal?.aborted !== true) return false
    if (error === signal.reason) return true
    const { name, cause } = (error ?? {}) as { name?: unknown; cause?: unknown }
    return name === 'AbortError' || (cause !== undefined && cause === signal.reason)
  }

  async #settleFirst(waiting: SendRequest[]): Promise<void> {
    const request = waiting[0] as SendRequest
    await this.#settled(request)
    waiting.shift()
    this.#sent++
  }

  async #submitAndWait(request: SendRequest): Promise<void> {
    const { count } = request
    this.#queue.submit(request)
    await this.#settled(request)
    this.#sent += count
  }

  /** Waits for a request, which the signal withdraws. Throws the request's error. */
  async #settled(request: SendRequest): Promise<void> {
    if (!request.settled) {
      const signal = this.#signal
      if (signal?.aborted === true) this.#queue.giveUp(request, signal.reason)
      const stop = signal && onAbort(signal, () => this.#queue.giveUp(request, signal.reason))
      await request.wait().finally(stop)
    }
    if (request.error !== undefined) throw request.error
  }

  /** Waits for the iterable's answer, unless the signal or the channel's end comes first. */
  #answer(iterator: SourceIterator): Promise<unknown> {
    if (this.#queue.transmitter.disconnected !== null) throw this.#queue.transmitter.disconnected
    return new Promise((resolve, reject) => {
      let interrupted = false
      this.#interrupt = (error) => {
        interrupted = true
        reject(error)
      }
      const answer = Promise.resolve(iterator.ask())
      answer.then(
        (step) => {
          if (interrupted) return
          this.#interrupt = ignore
          resolve(step)
        },
        (error) => {
          if (!interrupted) reject(iterator.fail(error))
          else if (!this.#repeats(error)) tell(error)
        }
      )
    })
  }
}

function ignore(): void {}

/** Gathers an iterator's messages, a packet's worth at a time, with no promise or request for each. */
class Batcher {
  readonly #iterator: SourceIterator
  readonly #limits: PacketLimits
  readonly #signal: AbortSignal | undefined
  /** The text that did not fit into the last packet. */
  #left: string | undefined
  #failure: { error: unknown } | undefined

  /** @param signal once it has aborted, what was gathered before a failure is not sent */
  constructor(iterator: SourceIterator, limits: PacketLimits, signal: AbortSignal | undefined) {
    this.#iterator = iterator
    this.#signal = signal
    this.#limits = limits
  }

  /**
   * Returns the next messages together, or one that is long; undefined if none are left. Throws for a message that cannot
   * be sent, and what the iterable throws, after returning what came before.
   */
  next(): SendRequest | undefined {
    if (this.#failure !== undefined) throw this.#failure.error
    const limits = this.#limits
    const room = limits.batchUnits
    const longest = Math.min(limits.fewUnits - PLACEHOLDER.length, limits.surelyAllowedUnits)
    let batch = ''
    let count = 0
    try {
      for (let text = this.#left ?? this.#take(); text !== undefined; text = this.#take()) {
        this.#left = undefined
        const units = batch.length + PLACEHOLDER.length + text.length
        if (text.length > longest || (units > room && !limits.fits(count + 1, units))) {
          if (count === 0) return limits.request(text)
          this.#left = text
          break
        }
        batch += PLACEHOLDER
        batch += text
        count++
      }
    } catch (error) {
      if (count === 0 || this.#signal?.aborted === true) throw error
      this.#failure = { error }
    }
    return count > 0 ? limits.batch(batch, count) : undefined
  }

  /** Whether `next` has nothing left to return. */
  get over(): boolean {
    return this.#iterator.over && this.#left === undefined && this.#failure === undefined
  }

  #take(): string | undefined {
    const message = this.#iterator.next()
    return message === OVER ? undefined : toText(message)
  }
}
