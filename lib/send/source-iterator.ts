import { argumentError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { tell } from '../core/promises.js'
import { isObject, isThenable } from '../core/shapes.js'

/** What {@link SourceIterator} answers at its end. */
export const OVER = Symbol('over')

/** The caller's iterator, used as `for...of` and `for await` use theirs. */
export class SourceIterator {
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>
  readonly #next: () => unknown
  /** It has come to its end, has thrown, or was told to end: it is not called again. */
  over = false
  /** Whether the caller's code has thrown, or does not keep to the protocol. */
  threw = false

  constructor(messages: Iterable<unknown> | AsyncIterable<unknown>, isAsync: boolean) {
    try {
      const made: unknown = isAsync
        ? (messages as AsyncIterable<unknown>)[Symbol.asyncIterator]()
        : (messages as Iterable<unknown>)[Symbol.iterator]()
      if (!isObject(made)) throw argumentError('the iterable of sendAll gave no iterator')
      this.#iterator = made as unknown as Iterator<unknown>
      this.#next = this.#iterator.next
    } catch (error) {
      throw this.fail(error)
    }
  }

  /** The next message of a synchronous iterator, or {@link OVER}. One that throws is not told to end. */
  next(): unknown {
    return this.read(this.ask())
  }

  /** What `next()` gives: of an asynchronous iterator perhaps a promise of any kind. */
  ask(): unknown {
    if (this.over) return ended
    try {
      return this.#next.call(this.#iterator)
    } catch (error) {
      throw this.fail(error)
    }
  }

  /** The message in an answer, or {@link OVER}. */
  read(answer: unknown): unknown {
    try {
      if (!isObject(answer)) throw argumentError(`next() of an iterator gave ${String(answer)}, which is no object`)
      const step = answer as IteratorResult<unknown>
      if (!step.done) return step.value
      this.over = true
      return OVER
    } catch (error) {
      throw this.fail(error)
    }
  }

  /** The caller's code has thrown this, or rejected an answer with it. */
  fail(error: unknown): unknown {
    this.over = true
    this.threw = true
    return error
  }

  /**
   * Nothing more will be asked: tells it so, once. What it throws at that is told of, as something else has failed before.
   *
   * @param expected whether an error only repeats what the iterator is stopped for
   */
  stop(expected: (error: unknown) => boolean): void {
    if (this.over) return
    this.over = true
    const tellIfNew = (error: unknown) => {
      if (!expected(error)) tell(error)
    }
    try {
      const answer: unknown = this.#iterator.return?.()
      // Not awaited: after an abort the iterator may never answer.
      if (isThenable(answer)) void Promise.resolve(answer).catch(tellIfNew)
    } catch (error) {
      tellIfNew(error)
    }
  }
}

const ended = { done: true, value: undefined }
