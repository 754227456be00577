import { queueMicrotask } from '../core/globals.js'
import { ListItem } from '../core/list.js'
import type { FdSource } from '../fd/transfer.js'
import type { Outcome } from './answers.js'

/**
 * Options of one call.
 *
 * @example
 * import type { CallOptions } from 'wormhole-ipc/calls'
 *
 * const options: CallOptions = { timeout: 1000, onProgress: (percent) => console.log(percent) }
 * await api.resize({ width: 80 }, options)
 */
export interface CallOptions {
  /** Ends the call: it rejects with the signal's reason immediately, and the handler's own signal aborts. */
  signal?: AbortSignal | undefined
  /** Milliseconds to wait for the answer, to Infinity; then ERR_WORMHOLE_TIMEOUT, and the handler's signal aborts. */
  timeout?: number | undefined
  /** Descriptors for the handler, moved or duplicated as by `sendWithFds`. */
  fds?: readonly FdSource[] | undefined
  /** Is called with each value that the handler passes to `progress`, in order, before the call settles. */
  onProgress?: { call(value: unknown): void }['call'] | undefined
}

/** A call under way, or one that waits for the other side's window. */
export class Call extends ListItem<Call> {
  /** Cancels the timer. */
  unschedule: (() => void) | undefined
  /** Removes the listener from the signal. */
  unlisten: (() => void) | undefined

  constructor(
    readonly id: number,
    readonly name: string,
    readonly input: unknown,
    readonly fds: readonly FdSource[] | undefined,
    readonly onProgress: ((value: unknown) => void) | undefined,
    readonly resolve: (output: unknown) => void,
    readonly reject: (error: unknown) => void
  ) {
    super()
  }

  /** Releases the timer and the signal. */
  release(): void {
    this.unschedule?.()
    this.unlisten?.()
  }

  progress(value: unknown): void {
    tellProgress(this.onProgress, value)
  }

  settle(outcome: Outcome): void {
    this.release()
    if ('error' in outcome) this.reject(outcome.error)
    else this.resolve(outcome.output)
  }

  fail(error: unknown): void {
    this.release()
    this.reject(error)
  }
}

/** Calls the user's function. What it throws does not fail the call, and is not lost: it becomes an uncaught error. */
export function tellProgress(onProgress: ((value: unknown) => void) | undefined, value: unknown): void {
  try {
    onProgress?.(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
