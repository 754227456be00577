import { queueMicrotask } from '../core/globals.js'
import { ListItem } from '../core/list.js'
import type { FdSource } from '../fd/transfer.js'
import type { Outcome } from './answers.js'

/**
 * How one call is made.
 *
 * @example
 * import type { CallOptions } from 'wormhole-ipc/calls'
 *
 * const options: CallOptions = { timeout: 1000, onProgress: (percent) => console.log(percent) }
 * await api.resize({ width: 80 }, options)
 */
export interface CallOptions {
  /** Ends the call: it rejects with the signal's reason at once, and the handler's own signal aborts. */
  signal?: AbortSignal | undefined
  /** Most milliseconds until the answer, up to Infinity; then ERR_WORMHOLE_TIMEOUT, and the handler's signal aborts. */
  timeout?: number | undefined
  /** Descriptors for the handler, moved or duplicated as by `sendWithFds`. */
  fds?: readonly FdSource[] | undefined
  /** Is called with each value that the handler hands to `progress`, in order, before the call settles. */
  onProgress?: { call(value: unknown): void }['call'] | undefined
}

/** A call under way, or one that waits for the other side's window. */
export class Call extends ListItem<Call> {
  /** Cancels the timer. */
  unschedule: (() => void) | undefined
  /** Listens to the signal no longer. */
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

  /** Lets go of the timer and the signal. */
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

/** Calls the user's function. What it throws is the user's own error: not for the call, and not to be lost. */
export function tellProgress(onProgress: ((value: unknown) => void) | undefined, value: unknown): void {
  try {
    onProgress?.(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
