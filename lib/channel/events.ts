import type { WormholeError } from '../core/errors.js'
import type { CloseReason, MovedTo } from '../core/telemetry.js'
import type { End } from './end.js'
import type { Receiver } from './receiver.js'
import type { Sender } from './sender.js'

/** What `node:diagnostics_channel` is told of ends, by lib/core/telemetry.ts. */

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
  readonly to: MovedTo
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
  readonly reason: CloseReason
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
