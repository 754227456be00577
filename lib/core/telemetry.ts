import type { Channel } from 'node:diagnostics_channel'
import type { Endpoint } from '../channel/endpoint.js'
import type { Receiver } from '../channel/receiver.js'
import type { Sender } from '../channel/sender.js'
import type { Descriptor } from '../fd/descriptor.js'
import type { End } from '../process/inheritance.js'
import type { Batch } from '../receive/batch.js'
import type { Counters } from './counters.js'
import { WormholeError } from './errors.js'
import { trace, tracing } from './trace.js'

const { channel } = process.getBuiltinModule('node:diagnostics_channel')

/** What an end of a channel tells of itself to those who ask: to `node:diagnostics_channel`, and to NODE_DEBUG. */

const moveTexts = { message: 'moved with a message', child: 'moved to a child', caller: 'detached' }
const closeTexts = { closed: 'closed', ended: 'end', collected: 'collected as garbage while open' }

/**
 * An end of a channel exists from now on: made by `channel()`, adopted, cloned or inherited.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsEvents } from 'wormhole-ipc'
 *
 * subscribe('wormhole-ipc:open', (event) => {
 *   const { fd } = event as DiagnosticsEvents['wormhole-ipc:open']
 *   console.log('opened', fd)
 * })
 */
export interface OpenEvent {
  /** Which one. */
  readonly end: End
  /** The descriptor's number. */
  readonly fd: number
}

/**
 * An end was given away, and is closed here.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsEvents } from 'wormhole-ipc'
 *
 * subscribe('wormhole-ipc:move', (event) => {
 *   const { fd, to } = event as DiagnosticsEvents['wormhole-ipc:move']
 *   console.log(fd, 'went to', to)
 * })
 */
export interface MoveEvent {
  /** Which one. */
  readonly end: End
  /** The number that the descriptor had here; after `detach()` it has it still. */
  readonly fd: number
  /** How: with a message, to a child process, or by `detach()`. */
  readonly to: 'message' | 'child' | 'caller'
}

/**
 * An end was closed here.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsEvents } from 'wormhole-ipc'
 *
 * subscribe('wormhole-ipc:close', (event) => {
 *   const { fd, reason } = event as DiagnosticsEvents['wormhole-ipc:close']
 *   console.log(fd, reason)
 * })
 */
export interface CloseEvent {
  /** Which one; undefined where it was garbage-collected. */
  readonly end: End | undefined
  /** The number that the descriptor had. */
  readonly fd: number
  /** Why: by `close()`, as the channel had come to its end, or by the garbage collector. */
  readonly reason: 'closed' | 'ended' | 'collected'
}

/** What the kernel took from an end, or brought to one, at once. */
interface Traffic {
  /** The number of the end's descriptor. */
  readonly fd: number
  /** Messages that are through with this. */
  readonly messages: number
  /** Bytes of JSON, as `stats()` counts them. */
  readonly bytes: number
  /** Descriptors. */
  readonly fds: number
}

/**
 * The kernel took a packet; or the last of a long message, which has an event of its own.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsEvents } from 'wormhole-ipc'
 *
 * subscribe('wormhole-ipc:send', (event) => {
 *   const { messages, bytes } = event as DiagnosticsEvents['wormhole-ipc:send']
 *   console.log(messages, bytes)
 * })
 */
export interface SendEvent extends Traffic {
  /** Which one. */
  readonly end: Sender<never>
}

/**
 * A packet was read, or the last of a long message; nobody has taken its messages yet.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsEvents } from 'wormhole-ipc'
 *
 * subscribe('wormhole-ipc:receive', (event) => {
 *   const { messages, bytes } = event as DiagnosticsEvents['wormhole-ipc:receive']
 *   console.log(messages, bytes)
 * })
 */
export interface ReceiveEvent extends Traffic {
  /** Which one. */
  readonly end: Receiver<unknown>
}

/**
 * Messages could not be sent, or what arrived is not one. What a call refuses at once has no event.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsEvents } from 'wormhole-ipc'
 *
 * subscribe('wormhole-ipc:error', (event) => {
 *   const { fd, error } = event as DiagnosticsEvents['wormhole-ipc:error']
 *   console.error(fd, error.code)
 * })
 */
export interface ErrorEvent {
  /** Which one. */
  readonly end: End
  /** The number of its descriptor. */
  readonly fd: number
  /** What the calls concerned reject with. */
  readonly error: WormholeError
}

/**
 * The channels of `node:diagnostics_channel` on which this library tells what it does, and what it says there.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsEvents } from 'wormhole-ipc'
 *
 * subscribe('wormhole-ipc:close', (event) => {
 *   const { reason } = event as DiagnosticsEvents['wormhole-ipc:close']
 *   console.log(reason)
 * })
 */
export interface DiagnosticsEvents {
  /** An end exists. */
  'wormhole-ipc:open': OpenEvent
  /** An end was given away. */
  'wormhole-ipc:move': MoveEvent
  /** An end was closed. */
  'wormhole-ipc:close': CloseEvent
  /** The kernel took a packet. */
  'wormhole-ipc:send': SendEvent
  /** A packet was read. */
  'wormhole-ipc:receive': ReceiveEvent
  /** A call failed, or will. */
  'wormhole-ipc:error': ErrorEvent
}

/** A channel of `node:diagnostics_channel`, which must not be collected while this module is there. */
function events<Name extends keyof DiagnosticsEvents>(name: Name) {
  return channel(name) as Channel<unknown, DiagnosticsEvents[Name]>
}

const opens = events('wormhole-ipc:open')
const moves = events('wormhole-ipc:move')
const closes = events('wormhole-ipc:close')
const sends = events('wormhole-ipc:send')
const receives = events('wormhole-ipc:receive')
const errors = events('wormhole-ipc:error')

export function opened(end: Endpoint): void {
  const { fd } = end
  if (tracing) trace(end.constructor.name, fd, 'opened')
  if (opens.hasSubscribers) opens.publish({ end: end as End, fd })
}

export function moved(end: Endpoint, fd: number, to: MoveEvent['to']): void {
  if (tracing) trace(end.constructor.name, fd, moveTexts[to])
  if (moves.hasSubscribers) moves.publish({ end: end as End, fd, to })
}

/** @param name the class of `end`, where that is gone */
export function closed(end: Endpoint | undefined, fd: number, reason: CloseEvent['reason'], name?: string): void {
  if (tracing) trace(name ?? String(end?.constructor.name), fd, closeTexts[reason])
  if (closes.hasSubscribers) closes.publish({ end: end as End | undefined, fd, reason })
}

/** Closes the descriptor of `end` and tells of it: nothing where it is closed already or a message moves it. */
export function closeEnd(end: Endpoint, descriptor: Descriptor, reason: CloseEvent['reason']): void {
  const { fd } = descriptor
  descriptor.close()
  if (fd >= 0 && descriptor.fd < 0) closed(end, fd, reason)
}

/** An abort's reason is no error. */
export function failed(end: Endpoint, error: unknown): void {
  if (!(error instanceof WormholeError)) return
  const { fd } = end
  if (tracing) trace(end.constructor.name, fd, `error: ${error.code}: ${error.message}`)
  if (errors.hasSubscribers) errors.publish({ end: end as End, fd, error })
}

/** The counters as they are before a packet, where somebody wants to know of it. */
export function beforeSend(counters: Counters): Counters | null {
  return sends.hasSubscribers ? { ...counters } : null
}

export function sent(end: Endpoint, before: Counters, now: Counters): void {
  sends.publish({
    end: end as SendEvent['end'],
    fd: end.fd,
    messages: now.messages - before.messages,
    bytes: now.bytes - before.bytes,
    fds: now.fds - before.fds,
  })
}

/** Whether somebody wants to know of what was read. */
export function observesReads(): boolean {
  return receives.hasSubscribers
}

/** @param bytes of JSON that came with this batch */
export function received(end: Endpoint, batch: Batch, bytes: number): void {
  const { left: messages, descriptors: fds } = batch
  receives.publish({ end: end as ReceiveEvent['end'], fd: end.fd, messages, bytes, fds })
}
