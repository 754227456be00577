import type { Server, Socket } from 'node:net'
import { describe } from '../core/describe.js'
import { numberIn } from '../fd/node-source.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { knownPeer } from '../os/peer.js'
import * as socket from '../os/syscalls.js'

/**
 * A socket that its owner keeps: a descriptor's number, or an object that has one (an {@link OwnedFd}, a `FileHandle`,
 * Node's `net.Socket` and `net.Server`).
 *
 * Node must not read what `recvmsg` is to get: make the server with `pauseOnConnect: true`, `pause()` a client before it
 * connects, or use `connect` and `accept` of this module, of which Node knows nothing.
 *
 * @example
 * import { peerCredentials, type SocketSource } from 'wormhole-ipc/socket'
 *
 * const isMine = (socket: SocketSource) => peerCredentials(socket).uid === process.getuid?.()
 * console.log(isMine(3), isMine(owned))
 */
export type SocketSource = number | OwnedFd | { readonly fd: number } | Socket | Server

export function numberOf(source: SocketSource): number {
  const number = numberIn(source)
  if (!socket.isNumber(number)) throw socket.badDescriptor(`${describe(number ?? source)} is not an open descriptor`)
  return number
}

/**
 * Returns the process, user and group id of the process that made the other end, as the kernel recorded them at connect,
 * listen or socketpair (SO_PEERCRED, unix(7)). Both ends of a socket pair name the pair's creator, also after a fork.
 * Never returns a number that stands for an unknown one: a peer is refused if its process is not visible in this PID
 * namespace, or its user or group has no number in this user namespace.
 *
 * @throws ERR_WORMHOLE_BAD_FD if it is no Unix socket, has no peer (it is listening, not connected, or a datagram
 * socket that is not of a pair), or the kernel cannot name the peer here; ERR_WORMHOLE_SYSTEM if it is no socket
 *
 * @example
 * import { peerCredentials } from 'wormhole-ipc/socket'
 *
 * const { pid, uid } = peerCredentials(3)
 * if (uid !== process.getuid?.()) throw new Error(`process ${pid} belongs to another user`)
 */
export function peerCredentials(fd: SocketSource): { pid: number; uid: number; gid: number } {
  return knownPeer(numberOf(fd))
}
