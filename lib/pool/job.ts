import { ListItem } from '../core/list.js'
import type { FdSource } from '../fd/transfer.js'

/**
 * How one job is run.
 *
 * @example
 * import type { RunOptions } from 'wormhole-ipc/pool'
 *
 * const options: RunOptions = { timeout: 5000, onProgress: (percent) => console.log(percent) }
 * await jobs.run({ year: 2026 }, options)
 */
export interface RunOptions {
  /** Ends the job: it rejects with the signal's reason at once, and the function's own signal aborts. */
  signal?: AbortSignal | undefined
  /** Most milliseconds once a process has it, up to Infinity; then ERR_WORMHOLE_TIMEOUT. @default the pool's */
  timeout?: number | undefined
  /** Descriptors for the function (`context.fds`), moved or duplicated as by `sendWithFds`. Such a job is tried once. */
  fds?: readonly FdSource[] | undefined
  /** Is called with each value that the function hands to `context.progress`. */
  onProgress?: { call(value: unknown): void }['call'] | undefined
}

/** A job, from `run` until it settles. */
export class Job extends ListItem<Job> {
  settled = false
  /** Processes that died of it, or with it. */
  deaths = 0
  /** Cancels the timer of this try. */
  unschedule: (() => void) | undefined
  unlisten: (() => void) | undefined

  constructor(
    readonly id: number,
    readonly input: unknown,
    readonly options: RunOptions,
    readonly timeout: number,
    readonly resolve: (output: unknown) => void,
    readonly reject: (error: unknown) => void
  ) {
    super()
  }

  /** False where it is settled already. */
  settle(ended: { output: unknown } | { error: unknown }): boolean {
    if (this.settled) return false
    this.settled = true
    this.unschedule?.()
    this.unlisten?.()
    if ('error' in ended) this.reject(ended.error)
    else this.resolve(ended.output)
    return true
  }
}
