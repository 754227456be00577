import { argumentError, WormholeError } from '../core/errors.js'
import { queueMicrotask } from '../core/globals.js'
import { ListItem } from '../core/list.js'
import type { Numbered } from '../core/numbered.js'
import type { FdSource } from '../fd/transfer.js'
import { isLeftOut } from '../wire/json.js'
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

/** Checks what is to be sent to a function of another process; throws ERR_WORMHOLE_ARGUMENT or ERR_WORMHOLE_UNSERIALIZABLE. */
export function assertSendable(input: unknown, { fds, onProgress }: Pick<CallOptions, 'fds' | 'onProgress'>): void {
  if (fds !== undefined && !Array.isArray(fds)) throw argumentError('fds must be an array of descriptors')
  if (onProgress !== undefined && typeof onProgress !== 'function') throw argumentError('onProgress must be a function')
  if (isLeftOut(input)) {
    throw new WormholeError('ERR_WORMHOLE_UNSERIALIZABLE', `JSON has no text for an input of type ${typeof input}`)
  }
}

/** The name of a handler, for errors and as JSON. */
export interface HandlerName {
  readonly name: string
  readonly json: string
}

/** A call under way, or one that waits for the other side's window. */
export class Call extends ListItem<Call> implements Numbered<Call> {
  alike: Call | null = null
  /** Cancels the timer. */
  unschedule: (() => void) | undefined
  /** Removes the listener from the signal. */
  unlisten: (() => void) | undefined

  constructor(
    readonly id: number,
    readonly handler: HandlerName,
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
