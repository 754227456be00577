import { toText } from './codec.js'
import type { Entry } from './entry.js'
import { PLACEHOLDER } from './framing.js'
import type { Sizing } from './sizing.js'

/**
 * Takes messages from an iterable and gathers their texts, a packet's worth at a time, with no promise or entry for
 * each. It keeps to the protocol as `for...of` does: an iterable that is left early is told so.
 */
export class Gatherer {
  readonly #iterator: Iterator<unknown>
  readonly #sizing: Sizing
  readonly #signal: AbortSignal | undefined
  /** The text that did not fit into the last packet. */
  #left: string | undefined
  #over = false
  #failure: { error: unknown } | undefined

  /** @param signal once it has aborted, what was gathered before a failure is not to be sent any more */
  constructor(messages: Iterable<unknown>, sizing: Sizing, signal: AbortSignal | undefined) {
    this.#iterator = messages[Symbol.iterator]()
    this.#sizing = sizing
    this.#signal = signal
  }

  /**
   * The next messages together, or one that is long; undefined when there are no more. A message that cannot be sent
   * and an iterable's own error throw, after what came before them unless the signal has aborted.
   */
  next(): Entry | undefined {
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
      this.close()
      if (this.#signal?.aborted === true) throw error
      this.#failure = { error }
    }
    if (count > 0) return sizing.batch(batch, count)
    if (this.#failure !== undefined) throw this.#failure.error
    return undefined
  }

  /** Nothing more will be taken. What the iterable throws at that is not heard: something else has failed before. */
  close(): void {
    if (this.#over) return
    this.#over = true
    try {
      this.#iterator.return?.()
    } catch {}
  }

  #take(): string | undefined {
    if (this.#over) return undefined
    // An iterable that throws, or has come to its end, is not told to end.
    this.#over = true
    const step = this.#iterator.next()
    if (step.done === true) return undefined
    this.#over = false
    return toText(step.value)
  }
}
