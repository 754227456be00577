/**
 * What a pool has done so far.
 *
 * @example
 * const { running, waiting } = jobs.stats()
 * console.log(`${running} jobs under way, ${waiting} wait`)
 */
export interface PoolStats {
  /** Processes that exist now. */
  processes: number
  /** Jobs that a process may have begun. */
  running: number
  /** Jobs that wait for their turn. */
  waiting: number
  /** Jobs that resolved. */
  done: number
  /** Jobs that rejected. */
  failed: number
  /** How often a job was given to another process because its own had died. */
  retried: number
  /** Processes that ended unexpectedly. */
  died: number
}
