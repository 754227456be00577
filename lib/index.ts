/**
 * Typed channels between processes on one Linux machine: JSON messages, and file descriptors along with them.
 *
 * @module wormhole-ipc
 */

import './supported.js'

export { channel } from './channel.js'
export type {
  CloseEvent,
  DiagnosticsEvents,
  ErrorEvent,
  MoveEvent,
  OpenEvent,
  ReceiveEvent,
  SendEvent,
} from './diagnostics.js'
export { errorCodes, WormholeError, type WormholeErrorCode, type WormholeErrorDetails } from './errors.js'
export { merge } from './merge.js'
export { type FdKind, OwnedFd, type SocketOptions } from './owned-fd.js'
export { Receiver } from './receiver.js'
export { type Receivers, type Selected, select } from './select.js'
export { Sender } from './sender.js'
export type { BlockingOptions, ChannelOptions, EndpointStats, FdSource, WaitOptions } from './types.js'
