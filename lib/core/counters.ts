import type { Endpoint } from '../channel/endpoint.js'
import { now } from './clock.js'
import { trace, tracing } from './trace.js'
import type { EndpointStats } from './types.js'

/** What one end counts; `queued` is worked out when somebody asks. */
export interface Counters extends EndpointStats {
  /** When the wait that is going on began, on the clock of `now()`; -1 while there is none. */
  waitingSince: number
}

export function newCounters(): Counters {
  return { messages: 0, bytes: 0, packets: 0, fds: 0, waits: 0, longestWait: 0, queued: 0, waitingSince: -1 }
}

/** The other end is waited for from now on; false where it is already. */
export function beginWait(counters: Counters, end: Endpoint, why: 'waits' | 'full'): boolean {
  if (counters.waitingSince >= 0) return false
  counters.waitingSince = now()
  if (tracing) trace(end.constructor.name, end.fd, why)
  return true
}

/** The wait is over, if one is going on. */
export function endWait(counters: Counters, end: Endpoint, how: 'resumed' | 'waits no longer' = 'resumed'): void {
  if (counters.waitingSince < 0) return
  const waited = now() - counters.waitingSince
  counters.waitingSince = -1
  if (waited > counters.longestWait) counters.longestWait = waited
  if (tracing) trace(end.constructor.name, end.fd, `${how}, after ${waited.toFixed(1)} ms`)
}

/** A copy for callers, in which the wait that is going on counts too. */
export function statsOf(counters: Counters, queued: number): EndpointStats {
  const { waitingSince, ...stats } = counters
  stats.queued = queued
  if (waitingSince >= 0) stats.longestWait = Math.max(stats.longestWait, now() - waitingSince)
  return stats
}
