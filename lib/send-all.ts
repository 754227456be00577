import { onAbort } from './abort.js'
import { toText } from './codec.js'
import type { Entry } from './entry.js'
import { Gatherer } from './gatherer.js'
import type { SendQueue } from './send-queue.js'
import { isThenable } from './shapes.js'
import { nextTurn, turnIsOver } from './turn.js'

/** One `sendAll`: takes from an iterable only what the channel takes from it. */
export class SendAll {
  readonly #queue: SendQueue
  readonly #signal: AbortSignal | undefined
  #sent = 0
  /** Rejects what the iterable is being waited for with. */
  #interrupt: (error: unknown) => void = ignore

  constructor(queue: SendQueue, signal: AbortSignal | undefined) {
    this.#queue = queue
    this.#signal = signal
  }

  /** As many messages to a packet as fit. */
  async batches(messages: Iterable<unknown>): Promise<number> {
    const gatherer = new Gatherer(messages, this.#queue.sizing, this.#signal)
    try {
      for (let entry = gatherer.next(); entry !== undefined; entry = gatherer.next()) await this.#hand(entry)
    } catch (error) {
      gatherer.close()
      throw error
    }
    return this.#sent
  }

  /** An entry for each message: for messages that come one by one, or travel one to a packet. */
  async each(messages: Iterable<unknown> | AsyncIterable<unknown>): Promise<number> {
    const iterator = Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages[Symbol.iterator]()
    const waiting: Entry[] = []
    const stops = [this.#queue.whenGone((error) => this.#interrupt(error))]
    const signal = this.#signal
    if (signal !== undefined) stops.push(onAbort(signal, () => this.#interrupt(signal.reason)))
    let finished = false
    try {
      for (;;) {
        const next = iterator.next()
        const step = isThenable(next) ? await this.#orInterrupted(next) : await next
        if (step.done === true) break
        const entry = this.#queue.sizing.entry(toText(step.value))
        this.#queue.push(entry)
        waiting.push(entry)
        while (waiting[0]?.settled === true) await this.#settleFirst(waiting)
        while (this.#queue.blocked && waiting.length > 0) await this.#settleFirst(waiting)
        if (turnIsOver()) await nextTurn()
        signal?.throwIfAborted()
      }
      finished = true
      while (waiting.length > 0) await this.#settleFirst(waiting)
      return this.#sent
    } catch (error) {
      for (const entry of waiting) {
        if (signal?.aborted === true) this.#queue.withdraw(entry, signal.reason)
        else await entry.wait().catch(() => undefined)
      }
      throw error
    } finally {
      for (const stop of stops) stop()
      // Not awaited: after an abort the iterable may never answer.
      if (!finished) void Promise.resolve(iterator.return?.()).catch(() => undefined)
    }
  }

  async #settleFirst(waiting: Entry[]): Promise<void> {
    await this.#settled(waiting.shift() as Entry)
    this.#sent++
  }

  async #hand(entry: Entry): Promise<void> {
    const { count } = entry
    this.#queue.hand(entry)
    await this.#settled(entry)
    this.#sent += count
    if (turnIsOver()) await nextTurn()
    this.#signal?.throwIfAborted()
  }

  /** Waits for an entry; the signal takes it back. Throws why it failed. */
  async #settled(entry: Entry): Promise<void> {
    if (!entry.settled) {
      const signal = this.#signal
      const stop = signal && onAbort(signal, () => void this.#queue.withdraw(entry, signal.reason))
      await entry.wait().finally(stop)
    }
    if (entry.error !== undefined) throw entry.error
  }

  /** The iterable's answer, unless the signal or the channel's end comes first. */
  #orInterrupted<Answer>(answer: PromiseLike<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject
      answer.then(resolve, reject)
    })
  }
}

function ignore(): void {}
