/**
 * Typed channels between processes on one Linux machine: JSON messages, and file descriptors along with them.
 *
 * @module wormhole-ipc
 */

import './core/supported.js'

export { channel } from './channel/channel.js'
export type {
  ChannelEvent,
  CloseEvent,
  DiagnosticsEvents,
  ErrorEvent,
  MoveEvent,
  OpenEvent,
  ReceiveEvent,
  SendEvent,
} from './channel/events.js'
export { merge } from './channel/merge.js'
export { Receiver } from './channel/receiver.js'
export {
  type MergeOptions,
  type Receivers,
  type Selected,
  type SelectedOrEnd,
  type SelectedWith,
  type SelectOptions,
  select,
} from './channel/select.js'
export { Sender } from './channel/sender.js'
export { errorCodes, WormholeError, type WormholeErrorCode, type WormholeErrorDetails } from './core/errors.js'
export type { BlockingOptions, ChannelOptions, WaitOptions } from './core/options.js'
export type { EndpointStats } from './core/telemetry.js'
export type { FdKind } from './fd/kind.js'
export { OwnedFd, type SocketOptions } from './fd/owned-fd.js'
export type { BytesOptions } from './fd/read-whole.js'
export type { FdSource } from './fd/transfer.js'
export type { ReceivingEnd } from './receive/receiving-end.js'
