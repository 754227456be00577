/**
 * What a pool and its processes say to each other, over three channels. The jobs go one to a packet and are read only to be
 * begun: what is still on that channel has not begun, and the pool may read it back.
 */

/** The name, among the process's channels, of the link on which it takes jobs and answers them. */
export const WORK = 'wormhole:pool'
/** The name of the channel that brings orders. Its end is the end of the process. */
export const ORDERS = 'wormhole:orders'

/** One job for a process. */
export interface Task {
  /** Rises from one job of a process to the next. */
  job: number
  input?: unknown
  /** No job, but a number to be answered: the process shows that it reads. */
  isProbe?: true
}

/** The first order says how many jobs may run at a time (null: any number); each other one aborts the signal of a job. */
export type Order = { concurrency: number | null } | { abort: number; reason: string; name: string }

/** The number, in answers, of what is no job: the import of the module. Answers and progress are as those of calls. */
export const IMPORT = 0
