import type { WormholeError } from '../core/errors.js'
import type { CloseReason, MovedTo } from '../core/telemetry.js'
import type { End } from './end.js'
import type { Receiver } from './receiver.js'
import type { Sender } from './sender.js'

/** The payloads that lib/core/telemetry.ts publishes on `node:diagnostics_channel`. */

/**
 * An end of a channel was made: by `channel()`, or adopted, cloned or inherited.
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
  /** The end. */
  readonly end: End
  /** The descriptor's number. */
  readonly fd: number
}

/**
 * A channel was made: each of its ends has had an open event.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * import type { DiagnosticsEvents } from 'wormhole-ipc'
 *
 * subscribe('wormhole-ipc:channel', (event) => {
 *   const { sender, receiver } = event as DiagnosticsEvents['wormhole-ipc:channel']
 *   console.log('from', sender.fd, 'to', receiver.fd)
 * })
 */
export interface ChannelEvent {
  /** The end that sends. */
  readonly sender: Sender<never>
  /** The end that receives. */
  readonly receiver: Receiver<unknown>
}

/**
 * An end was moved or detached, and is closed here.
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
  /** The end. */
  readonly end: End
  /** The number that the descriptor had here; after `detach()` it still has it. */
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
  /** The end; undefined if it was garbage-collected. */
  readonly end: End | undefined
  /** The number that the descriptor had. */
  readonly fd: number
  /** Why: by `close()`, because the channel had ended, or by the garbage collector. */
  readonly reason: CloseReason
}

/** What the kernel took from an end, or brought to one, with one packet or with a long message's last bytes. */
interface Traffic {
  /** The number of the end's descriptor. */
  readonly fd: number
  /** How many messages this completes. */
  readonly messages: number
  /** Bytes of JSON, as `stats()` counts them. */
  readonly bytes: number
  /** How many descriptors. */
  readonly fds: number
}

/**
 * The kernel took a packet, or the last bytes of a long message, which has an event of its own.
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
  /** The end. */
  readonly end: Sender<never>
}

/**
 * A packet was read, or the last bytes of a long message; no call has taken its messages yet.
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
  /** The end. */
  readonly end: Receiver<unknown>
}

/**
 * Messages could not be sent, or what arrived is not a message. What a call refuses immediately has no event.
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
  /** The end. */
  readonly end: End
  /** The descriptor's number. */
  readonly fd: number
  /** The error that the calls concerned reject with. */
  readonly error: WormholeError
}

/**
 * The channels of `node:diagnostics_channel` that this library publishes on, with their payloads.
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
  /** An end was made. */
  'wormhole-ipc:open': OpenEvent
  /** A channel was made. */
  'wormhole-ipc:channel': ChannelEvent
  /** An end was moved or detached. */
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
