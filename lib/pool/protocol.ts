/** What a pool and its processes call of each other. */

/** The name of the link among the process's channels. */
export const POOL = 'wormhole:pool'

/** One job for a process. */
export interface Task {
  job: number
  input?: unknown
}

/** What a process of a pool serves. */
export type WorkerApi = {
  /** Imports the module, so that the first job need not. */
  load(module: string): void
  /** Runs one job. */
  run(task: Task): unknown
  /** Aborts the signal of a job. */
  abort(abort: { job: number; reason: string; name: string }): void
}
