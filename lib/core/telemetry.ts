import { now } from './clock.js'
import { WormholeError } from './errors.js'
import { writeQuietly } from './quiet-write.js'

const { channel } = process.getBuiltinModule('node:diagnostics_channel')
const { debuglog, format } = process.getBuiltinModule('node:util')

/** Counts what an end of a channel does, and publishes it: to `node:diagnostics_channel`, and to NODE_DEBUG. */

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
  /** Messages that the kernel accepted (sender), or that were taken from this end (receiver). */
  messages: number
  /** Bytes of their JSON; a receiver counts what it has read. */
  bytes: number
  /** Packets sent or read. On a SOCK_STREAM socket: writes or reads. */
  packets: number
  /** Descriptors that came or went with them. */
  fds: number
  /** How often this end had to wait for the other: for a message, or for room. */
  waits: number
  /**
   * The longest time in milliseconds that this end waited without the kernel accepting or delivering anything, the
   * current wait included. A receiver waits only while a call waits for its next message.
   * A `recvSync` without a timeout on the main thread waits in the kernel, and counts neither here nor in `waits`.
   */
  longestWait: number
  /** Messages in this process: not yet in the kernel (sender), or read and not yet taken (receiver). */
  queued: number
}

/** The subject of an event: the name of its class is printed, and its descriptor's number, -1 if there is none. */
export interface Observed {
  readonly fd: number
}

/** The counters of one end; `messages` counts those through its socket, and `queued` is computed when asked for. */
export interface Counters extends EndpointStats {
  /** When the current wait began, on the clock of `now()`; -1 while there is none. */
  waitingSince: number
}

export function newCounters(): Counters {
  return { messages: 0, bytes: 0, packets: 0, fds: 0, waits: 0, longestWait: 0, queued: 0, waitingSince: -1 }
}

/** Whether NODE_DEBUG names `wormhole`: asked once, so that tracing costs nothing if it does not. */
export const tracing = debuglog('wormhole').enabled

/** Prints one line to standard error, in the format of `debuglog`: which end, by its descriptor, and what happened to it. */
export function trace(end: string, fd: number, what: string): void {
  writeQuietly(process.stderr, format('WORMHOLE %d: %s %d: %s\n', process.pid, end, fd, what))
}

/** Starts counting a wait for the other end; false if one is going on already. */
export function beginWait(counters: Counters, end: Observed, why: 'waits' | 'full'): boolean {
  if (counters.waitingSince >= 0) return false
  counters.waitingSince = now()
  if (tracing) trace(end.constructor.name, end.fd, why)
  return true
}

/** Ends the current wait, if there is one. */
export function endWait(counters: Counters, end: Observed, how: 'resumed' | 'waits no longer' = 'resumed'): void {
  if (counters.waitingSince < 0) return
  const waited = now() - counters.waitingSince
  counters.waitingSince = -1
  if (waited > counters.longestWait) counters.longestWait = waited
  if (tracing) trace(end.constructor.name, end.fd, `${how}, after ${waited.toFixed(1)} ms`)
}

/** Returns a copy for users, which includes the current wait. */
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

// lib/channel/events.ts describes what is published here. The channels must not be garbage-collected before this module.
const opens = channel('wormhole-ipc:open')
const pairs = channel('wormhole-ipc:channel')
const moves = channel('wormhole-ipc:move')
const closes = channel('wormhole-ipc:close')
const sends = channel('wormhole-ipc:send')
/** Asked for subscribers before each packet that is read is told. */
export const reads = channel('wormhole-ipc:receive')
const errors = channel('wormhole-ipc:error')

export function opened(end: Observed): void {
  const { fd } = end
  if (tracing) trace(end.constructor.name, fd, 'opened')
  if (opens.hasSubscribers) opens.publish({ end, fd })
}

/** Publishes that two ends are those of one channel. */
export function paired(sender: Observed, receiver: Observed): void {
  if (pairs.hasSubscribers) pairs.publish({ sender, receiver })
}

export function moved(end: Observed, fd: number, to: MovedTo): void {
  if (tracing) trace(end.constructor.name, fd, moveTexts[to])
  if (moves.hasSubscribers) moves.publish({ end, fd, to })
}

/** @param name the class of `end`, if that is gone */
export function closed(end: Observed | undefined, fd: number, reason: CloseReason, name?: string): void {
  if (tracing) trace(name ?? String(end?.constructor.name), fd, closeTexts[reason])
  if (closes.hasSubscribers) closes.publish({ end, fd, reason })
}

/** Publishes an error; an abort's reason is none. */
export function failed(end: Observed, error: unknown): void {
  if (!(error instanceof WormholeError)) return
  const { fd } = end
  if (tracing) trace(end.constructor.name, fd, `error: ${error.code}: ${error.message}`)
  if (errors.hasSubscribers) errors.publish({ end, fd, error })
}

/** What the kernel accepted from an end in one call. */
export interface Traffic {
  messages: number
  /** Bytes of JSON. */
  bytes: number
  fds: number
}

/** Counts what the kernel accepted, and publishes it. */
export function sent(end: Observed, counters: Counters, messages: number, bytes: number, fds: number): void {
  counters.messages += messages
  counters.bytes += bytes
  if (fds > 0) counters.fds += fds
  if (sends.hasSubscribers) sends.publish({ end, fd: end.fd, messages, bytes, fds })
}

/** @param bytes bytes of JSON of these messages */
export function received(end: Observed, messages: number, bytes: number, fds: number): void {
  reads.publish({ end, fd: end.fd, messages, bytes, fds })
}
