import { now } from './clock.js'
import { WormholeError } from './errors.js'
import { writeQuietly } from './quiet-write.js'

const { channel } = process.getBuiltinModule('node:diagnostics_channel')
const { debuglog, format } = process.getBuiltinModule('node:util')

/** What is counted of an end of a channel, and what is told of it: to `node:diagnostics_channel`, and to NODE_DEBUG. */

/**
 * What an end of a channel has done so far.
 *
 * @example
 * import type { EndpointStats } from 'wormhole-ipc'
 *
 * const perMessage = ({ bytes, messages }: EndpointStats) => bytes / messages
 * console.log(perMessage(sender.stats()), perMessage(receiver.stats()))
 */
export interface EndpointStats {
  /** Messages that the kernel has taken (sender), or that were taken from this end (receiver). */
  messages: number
  /** Bytes of their JSON; a receiver counts what it has read. */
  bytes: number
  /** Packets sent or read. On a SOCK_STREAM socket: writes or reads. */
  packets: number
  /** Descriptors that rode along. */
  fds: number
  /** How often this end had to wait for the other: for a message, or for room. */
  waits: number
  /**
   * The longest time in milliseconds that this end waited without the kernel taking or bringing anything, the
   * wait that is going on included. A receiver waits only while somebody waits for its next message.
   * A `recvSync` without a timeout on the main thread waits in the kernel, and counts neither here nor in `waits`.
   */
  longestWait: number
  /** Messages that are here: not yet in the kernel (sender), or read and not yet taken (receiver). */
  queued: number
}

/** What is told of: its class has a name, and its descriptor a number, -1 if there is none. */
export interface Observed {
  readonly fd: number
}

/** What one end counts; `messages` are those through its socket, and `queued` is worked out when it is asked for. */
export interface Counters extends EndpointStats {
  /** When the wait that is going on began, on the clock of `now()`; -1 while there is none. */
  waitingSince: number
}

export function newCounters(): Counters {
  return { messages: 0, bytes: 0, packets: 0, fds: 0, waits: 0, longestWait: 0, queued: 0, waitingSince: -1 }
}

/** Whether NODE_DEBUG names `wormhole`: asked once, so that a trace costs nothing where it does not. */
export const tracing = debuglog('wormhole').enabled

/** One line on standard error: which end, by its descriptor, and what became of it. As `debuglog` has it. */
function trace(end: string, fd: number, what: string): void {
  writeQuietly(process.stderr, format('WORMHOLE %d: %s %d: %s\n', process.pid, end, fd, what))
}

/** The other end is waited for from now on; false where it is already. */
export function beginWait(counters: Counters, end: Observed, why: 'waits' | 'full'): boolean {
  if (counters.waitingSince >= 0) return false
  counters.waitingSince = now()
  if (tracing) trace(end.constructor.name, end.fd, why)
  return true
}

/** The wait is over, if one is going on. */
export function endWait(counters: Counters, end: Observed, how: 'resumed' | 'waits no longer' = 'resumed'): void {
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

const moveTexts = { message: 'moved with a message', child: 'moved to a child', caller: 'detached' }
const closeTexts = { closed: 'closed', ended: 'end', collected: 'collected as garbage while open' }
/** How an end was given away. */
export type MovedTo = keyof typeof moveTexts
/** Why an end was closed. */
export type CloseReason = keyof typeof closeTexts

// What goes to these channels, lib/channel/events.ts says. They must not be collected while this module is there.
const opens = channel('wormhole-ipc:open')
const moves = channel('wormhole-ipc:move')
const closes = channel('wormhole-ipc:close')
const sends = channel('wormhole-ipc:send')
const receives = channel('wormhole-ipc:receive')
const errors = channel('wormhole-ipc:error')

export function opened(end: Observed): void {
  const { fd } = end
  if (tracing) trace(end.constructor.name, fd, 'opened')
  if (opens.hasSubscribers) opens.publish({ end, fd })
}

export function moved(end: Observed, fd: number, to: MovedTo): void {
  if (tracing) trace(end.constructor.name, fd, moveTexts[to])
  if (moves.hasSubscribers) moves.publish({ end, fd, to })
}

/** @param name the class of `end`, where that is gone */
export function closed(end: Observed | undefined, fd: number, reason: CloseReason, name?: string): void {
  if (tracing) trace(name ?? String(end?.constructor.name), fd, closeTexts[reason])
  if (closes.hasSubscribers) closes.publish({ end, fd, reason })
}

/** An abort's reason is no error. */
export function failed(end: Observed, error: unknown): void {
  if (!(error instanceof WormholeError)) return
  const { fd } = end
  if (tracing) trace(end.constructor.name, fd, `error: ${error.code}: ${error.message}`)
  if (errors.hasSubscribers) errors.publish({ end, fd, error })
}

/** What the kernel took from an end in one call. */
export interface Traffic {
  messages: number
  /** Of JSON. */
  bytes: number
  fds: number
}

/** Counts what the kernel took, and tells of it. */
export function sent(end: Observed, counters: Counters, { messages, bytes, fds }: Traffic): void {
  counters.messages += messages
  counters.bytes += bytes
  counters.fds += fds
  if (sends.hasSubscribers) sends.publish({ end, fd: end.fd, messages, bytes, fds })
}

/** Whether somebody wants to know of what was read. */
export function observesReads(): boolean {
  return receives.hasSubscribers
}

/** @param bytes of JSON that came with these messages */
export function received(end: Observed, messages: number, bytes: number, fds: number): void {
  receives.publish({ end, fd: end.fd, messages, bytes, fds })
}
