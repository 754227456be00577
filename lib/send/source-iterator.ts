import { argumentError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { tell } from '../core/promises.js'
import { isObject, isThenable } from '../core/shapes.js'

/** What {@link SourceIterator} returns at its end. */
export const OVER = Symbol('over')

/** The caller's iterator, used as `for...of` and `for await` use theirs. */
export class SourceIterator {
  readonly #iterator: Iterator<unknown> | AsyncIterator<unknown>
  readonly #next: () => unknown
  /** Whether it has ended, has thrown, or was stopped: it is not called again. */
  over = false
  /** Whether the caller's code has thrown, or broke the iteration protocol. */
  threw = false

  constructor(messages: Iterable<unknown> | AsyncIterable<unknown>, isAsync: boolean) {
    try {
      const made: unknown = isAsync
        ? (messages as AsyncIterable<unknown>)[Symbol.asyncIterator]()
        : (messages as Iterable<unknown>)[Symbol.iterator]()
      if (!isObject(made)) throw argumentError('sendAll(): the iterable returned no iterator')
      this.#iterator = made as unknown as Iterator<unknown>
      this.#next = this.#iterator.next
    } catch (error) {
      throw this.fail(error)
    }
  }

  /** Returns the next message of a synchronous iterator, or {@link OVER}. One that throws gets no `return()`. */
  next(): unknown {
    if (this.over) return OVER
    try {
      return this.#valueOf(this.#next.call(this.#iterator))
    } catch (error) {
      throw this.fail(error)
    }
  }

  /** Calls `next()`; an asynchronous iterator may return a promise of any kind. */
  ask(): unknown {
    if (this.over) return ended
    try {
      return this.#next.call(this.#iterator)
    } catch (error) {
      throw this.fail(error)
    }
  }

  /** Returns the message in an answer, or {@link OVER}. */
  read(answer: unknown): unknown {
    try {
      return this.#valueOf(answer)
    } catch (error) {
      throw this.fail(error)
    }
  }

  #valueOf(answer: unknown): unknown {
    if (!isObject(answer))
      throw argumentError(`sendAll(): the iterator's next() returned ${String(answer)}, not an object`)
    const step = answer as IteratorResult<unknown>
    if (!step.done) return step.value
    this.over = true
    return OVER
  }

  /** Records and returns an error that the caller's code threw, or rejected an answer with. */
  fail(error: unknown): unknown {
    this.over = true
    this.threw = true
    return error
  }

  /**
   * Calls `return()`, once. What that throws is an unhandled rejection, as `sendAll` rejects with an earlier error.
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
