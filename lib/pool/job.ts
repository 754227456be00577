import type { Outcome } from '../calls/answers.js'
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
  /** Most milliseconds once a process has room for it, up to Infinity; then ERR_WORMHOLE_TIMEOUT. @default the pool's */
  timeout?: number | undefined
  /** Descriptors for the function (`context.fds`), moved or duplicated as by `sendWithFds`. Such a job is tried once. */
  fds?: readonly FdSource[] | undefined
  /** Is called with each value that the function hands to `context.progress`. */
  onProgress?: { call(value: unknown): void }['call'] | undefined
}

/** A process, as far as the jobs that it has need to know it. */
export interface JobHolder {
  abort(job: Job, reason: unknown, due: boolean): void
}

/** A job, from `run` until it settles. */
export class Job extends ListItem<Job> {
  settled = false
  /** Processes that died of it, or with it. */
  deaths = 0
  /** The process that has it. */
  worker: JobHolder | undefined
  /** Its number there. */
  number = 0
  /** Whether it can only be given to a process that begins it: it has descriptors, or is too long for a packet. */
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

  /** False where it is settled already. */
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
