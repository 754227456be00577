import { onAbort } from './abort.js'
import { toText } from './codec.js'
import type { Entry } from './entry.js'
import { WormholeError } from './errors.js'
import { PLACEHOLDER } from './framing.js'
import type { SendQueue } from './send-queue.js'
import { nextTurn, turnIsOver } from './turn.js'

/** One `sendAll`: takes from an iterable only what the channel takes from it. */
export class SendAll {
  readonly #queue: SendQueue
  readonly #signal: AbortSignal | undefined
  /** Throws when the sender is no longer usable. */
  readonly #assertUsable: () => void
  #sent = 0

  constructor(queue: SendQueue, signal: AbortSignal | undefined, assertUsable: () => void) {
    this.#queue = queue
    this.#signal = signal
    this.#assertUsable = assertUsable
  }

  /** As many messages to a packet as fit: their texts are gathered without a promise or an entry for each. */
  async batches(messages: Iterable<unknown>): Promise<number> {
    const { batchUnits, surelyShort } = this.#queue
    let batch = ''
    let count = 0
    const handOver = (): Promise<void> | undefined => {
      if (count === 0) return undefined
      const entry = this.#queue.batch(batch, count)
      batch = ''
      count = 0
      return this.#hand(entry)
    }
    try {
      for (const message of messages) {
        const text = toText(message)
        const units = PLACEHOLDER.length + text.length
        if (batch.length + units > batchUnits || text.length > surelyShort) {
          await handOver()
          if (units > batchUnits || text.length > surelyShort) {
            await this.#hand(this.#queue.entry(text, null))
            continue
          }
        }
        batch += PLACEHOLDER
        batch += text
        count++
      }
    } catch (error) {
      // What came before a message that cannot be sent, or an iterable's own error, is sent.
      const closed = error instanceof WormholeError && error.code === 'ERR_WORMHOLE_CLOSED'
      if (!closed && this.#signal?.aborted !== true) await handOver()
      throw error
    }
    await handOver()
    return this.#sent
  }

  /** An entry for each message: for messages that come one by one, or travel one to a packet. */
  async each(messages: Iterable<unknown> | AsyncIterable<unknown>): Promise<number> {
    const waiting: Entry[] = []
    const settleFirst = async (): Promise<void> => {
      const entry = waiting.shift() as Entry
      await this.#settled(entry)
      this.#sent++
    }
    const iterator = Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages[Symbol.iterator]()
    let finished = false
    try {
      for (;;) {
        const next = iterator.next()
        const step = next instanceof Promise ? await this.#orAbort(next) : await next
        if (step.done === true) break
        this.#assertUsable()
        const entry = this.#queue.entry(toText(step.value), null)
        this.#queue.push(entry)
        waiting.push(entry)
        while (waiting[0]?.settled === true) await settleFirst()
        while (this.#queue.blocked && waiting.length > 0) await settleFirst()
        if (turnIsOver()) await nextTurn()
        this.#signal?.throwIfAborted()
      }
      finished = true
      while (waiting.length > 0) await settleFirst()
    } catch (error) {
      for (const entry of waiting) {
        if (this.#signal?.aborted === true) this.#queue.withdraw(entry, this.#signal.reason)
        else await entry.wait().catch(() => undefined)
      }
      throw error
    } finally {
      // Not awaited: after an abort the iterable may never answer.
      if (!finished) void Promise.resolve(iterator.return?.()).catch(() => undefined)
    }
    return this.#sent
  }

  async #hand(entry: Entry): Promise<void> {
    this.#assertUsable()
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

  /** The iterable's answer, unless the signal comes first. */
  async #orAbort<Answer>(answer: Promise<Answer>): Promise<Answer> {
    const signal = this.#signal
    if (signal === undefined) return answer
    let stop: (() => void) | undefined
    const aborted = new Promise<never>((_, reject) => {
      stop = onAbort(signal, () => reject(signal.reason))
    })
    return Promise.race([answer, aborted]).finally(stop)
  }
}
