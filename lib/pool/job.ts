import type { Outcome } from '../calls/answers.js'
import { ListItem } from '../core/list.js'
import type { Numbered } from '../core/numbered.js'
import type { FdSource } from '../fd/transfer.js'

/**
 * Options of one job.
 *
 * @example
 * import type { RunOptions } from 'wormhole-ipc/pool'
 *
 * const options: RunOptions = { timeout: 5000, onProgress: (percent) => console.log(percent) }
 * await jobs.run({ year: 2026 }, options)
 */
export interface RunOptions {
  /** Ends the job: it rejects with the signal's reason immediately, and the function's own signal aborts. */
  signal?: AbortSignal | undefined
  /** Milliseconds for it once a process has room, up to Infinity; then ERR_WORMHOLE_TIMEOUT. @default the pool's */
  timeout?: number | undefined
  /** Descriptors for the function (`context.fds`), moved or duplicated as by `sendWithFds`. The job is not retried. */
  fds?: readonly FdSource[] | undefined
  /** Is called with each value that the function passes to `context.progress`. */
  onProgress?: { call(value: unknown): void }['call'] | undefined
}

/** The part of a process that the jobs given to it use. */
export interface JobHolder {
  abort(job: Job, reason: unknown, due: boolean): void
}

/** A job, from `run` until it settles. */
export class Job extends ListItem<Job> implements Numbered<Job> {
  /** Its number in the process that has it, or had it last. */
  id = 0
  alike: Job | null = null
  settled = false
  /** Processes that died while they had it. */
  deaths = 0
  /** The process that has it. */
  worker: JobHolder | undefined
  /** Whether it cannot be handed ahead: it has descriptors, or is too long for a packet. */
  alone: boolean
  /** Cancels the timer of this try. */
  unschedule: (() => void) | undefined
  unlisten: (() => void) | undefined

  constructor(
    readonly input: unknown,
    readonly options: RunOptions,
    readonly timeout: number,
    readonly resolve: (output: unknown) => void,
    readonly reject: (error: unknown) => void
  ) {
    super()
    this.alone = options.fds !== undefined
  }

  /** Settles it; returns false if it already was. */
  settle(outcome: Outcome): boolean {
    if (this.settled) return false
    this.settled = true
    this.unschedule?.()
    this.unlisten?.()
    if ('error' in outcome) this.reject(outcome.error)
    else this.resolve(outcome.output)
    return true
  }
}
