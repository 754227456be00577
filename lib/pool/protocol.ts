import { textOf } from '../wire/json.js'

/**
 * The messages between a pool and its processes, over three channels. Each job has its own packet and is read only to
 * be begun: a job that is still on its channel has not begun, and the pool may read it back.
 */

/** The name, among the process's channels, of the link for jobs and answers. */
export const WORK = 'wormhole:pool'
/** The name of the channel for orders. When it ends, the process ends. */
export const ORDERS = 'wormhole:orders'

/** One job for a process. */
export interface Task {
  /** The number of the job, which increases from one job of a process to the next. */
  job: number
  input?: unknown
  /** Set on a number without a job: the process answers it and so shows that it reads. */
  isProbe?: true
}

/** Returns the text of a task with an input. */
export function taskText(job: number, input: unknown): string {
  return textOf(`{"job":${job},"input":`, input, '}') ?? `{"job":${job}}`
}

/** The first order sets how many jobs may run at the same time (null for any number); each other one aborts a job. */
export type Order = { concurrency: number | null } | { abort: number; reason: string; name: string }

/** The number of the answer to the module's import, which is no job. Answers and progress are as those of calls. */
export const IMPORT = 0
