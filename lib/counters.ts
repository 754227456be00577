import type { EndpointStats } from './types.js'

/** What one end counts; `queued` is worked out when somebody asks. */
export interface Counters extends EndpointStats {
  /** When the wait that is going on began, on the clock of performance.now(); -1 while there is none. */
  waitingSince: number
}

export function newCounters(): Counters {
  return { messages: 0, bytes: 0, packets: 0, fds: 0, waits: 0, longestWait: 0, queued: 0, waitingSince: -1 }
}

/** The other end is waited for from now on. */
export function beginWait(counters: Counters): void {
  counters.waitingSince = performance.now()
}

/** The wait that is going on is over; its milliseconds. */
export function endWait(counters: Counters): number {
  const waited = performance.now() - counters.waitingSince
  counters.waitingSince = -1
  if (waited > counters.longestWait) counters.longestWait = waited
  return waited
}

/** A copy for callers, in which the wait that is going on counts too. */
export function statsOf(counters: Counters, queued: number): EndpointStats {
  const { waitingSince, ...stats } = counters
  stats.queued = queued
  if (waitingSince >= 0) stats.longestWait = Math.max(stats.longestWait, performance.now() - waitingSince)
  return stats
}
