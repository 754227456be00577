import { toText } from '../wire/json.js'
import { PLACEHOLDER } from '../wire/outbox.js'
import type { Sizing } from './packet-limits.js'
import type { Entry } from './send-request.js'
import { OVER, type SourceIterator } from './source-iterator.js'

/** Takes messages from an iterator and gathers their texts, a packet's worth at a time, with no promise or entry for each. */
export class Gatherer {
  readonly #iterator: SourceIterator
  readonly #sizing: Sizing
  readonly #signal: AbortSignal | undefined
  /** The text that did not fit into the last packet. */
  #left: string | undefined
  #failure: { error: unknown } | undefined

  /** @param signal once it has aborted, what was gathered before a failure is not to be sent any more */
  constructor(iterator: SourceIterator, sizing: Sizing, signal: AbortSignal | undefined) {
    this.#iterator = iterator
    this.#signal = signal
    this.#sizing = sizing
  }

  /**
   * The next messages together, or one that is long; undefined when there are no more. A message that cannot be sent
   * and an iterable's own error throw, after what came before them.
   */
  next(): Entry | undefined {
    if (this.#failure !== undefined) throw this.#failure.error
    const sizing = this.#sizing
    const room = sizing.batchUnits
    const longest = Math.min(sizing.fewUnits - PLACEHOLDER.length, sizing.surelyShort)
    let batch = ''
    let count = 0
    try {
      for (let text = this.#left ?? this.#take(); text !== undefined; text = this.#take()) {
        this.#left = undefined
        const units = batch.length + PLACEHOLDER.length + text.length
        if (text.length > longest || (units > room && !sizing.share(count + 1, units))) {
          if (count === 0) return sizing.entry(text)
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
    return count > 0 ? sizing.batch(batch, count) : undefined
  }

  /** Whether `next` has nothing more to give. */
  get over(): boolean {
    return this.#iterator.over && this.#left === undefined && this.#failure === undefined
  }

  #take(): string | undefined {
    const message = this.#iterator.next()
    return message === OVER ? undefined : toText(message)
  }
}
