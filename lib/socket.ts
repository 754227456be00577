/**
 * Raw sockets with descriptors, for other protocols: Wayland, D-Bus, systemd, container runtimes.
 *
 * @module wormhole-ipc/socket
 */

import './core/supported.js'
import './channel/channel.js'

export type { WaitOptions } from './core/options.js'
export { OwnedFd, type SocketOptions } from './fd/owned-fd.js'
export type { FdSource } from './fd/transfer.js'
export { accept } from './socket/accept.js'
export { type ConnectOptions, connect } from './socket/connect.js'
export { type ListenOptions, listen } from './socket/listen.js'
export { type SocketType, socketpair } from './socket/pair.js'
export { type ReceivedBytes, recvmsg } from './socket/receive.js'
export { type SendmsgOptions, sendmsg } from './socket/send.js'
export { peerCredentials, type SocketSource } from './socket/source.js'
