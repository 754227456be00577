/**
 * Raw sockets with descriptors, for protocols that are not ours: Wayland, D-Bus, systemd, container runtimes.
 *
 * @module wormhole-ipc/socket
 */

import { argumentError, systemError } from './errors.js'
import { INBOX_BYTES, inbox, stage, unstage } from './framing.js'
import { OwnedFd } from './owned-fd.js'
import { knownPeer } from './peer.js'
import { whenReady } from './raw-waits.js'
import './receiver.js'
import { quiet } from './rejected.js'
import './sender.js'
import * as socket from './socket.js'
import { Transfer } from './transfer.js'
import type { FdSource } from './types.js'

export { OwnedFd, type SocketOptions } from './owned-fd.js'
export type { FdSource } from './types.js'

/**
 * A socket that stays its owner's: a number, or an object that has one.
 *
 * @example
 * import { peerCredentials, type SocketSource } from 'wormhole-ipc/socket'
 *
 * const isMine = (socket: SocketSource) => peerCredentials(socket).uid === process.getuid?.()
 * console.log(isMine(3), isMine(owned))
 */
export type SocketSource = number | { readonly fd: number }

const types = { seqpacket: socket.SOCK_SEQPACKET, stream: socket.SOCK_STREAM, dgram: socket.SOCK_DGRAM }

/**
 * What `recvmsg` brought.
 *
 * @example
 * import { type ReceivedBytes, recvmsg } from 'wormhole-ipc/socket'
 *
 * const buffer = Buffer.alloc(4096)
 * const { bytes, fds, truncated }: ReceivedBytes = await recvmsg(owned, buffer)
 * console.log(buffer.toString('utf8', 0, bytes), fds.length, truncated)
 */
export interface ReceivedBytes {
  /** How many bytes of the buffer were filled; 0 for an empty packet and at the end of a stream. */
  bytes: number
  /** The descriptors that came along, close-on-exec; the caller's to close. */
  fds: OwnedFd[]
  /** Whether something was lost: bytes that did not fit into the buffer, or descriptors (MSG_TRUNC, MSG_CTRUNC). */
  truncated: boolean
}

/**
 * An anonymous pair of connected Unix sockets, close-on-exec (socketpair(2)).
 *
 * @throws ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_SYSTEM (EMFILE: no descriptors left)
 *
 * @example
 * import { socketpair } from 'wormhole-ipc/socket'
 *
 * const [ours, theirs] = socketpair('stream')
 * ours.close()
 * theirs.close()
 */
export function socketpair(type: 'seqpacket' | 'stream' | 'dgram'): [OwnedFd, OwnedFd] {
  if (!Object.hasOwn(types, type)) throw argumentError("socketpair: the type is 'seqpacket', 'stream' or 'dgram'")
  const [a, b] = socket.socketpair(types[type])
  return [new OwnedFd(a, true), new OwnedFd(b, true)]
}

/**
 * Sends bytes and up to 253 descriptors with one sendmsg(2), waiting until the socket takes them; resolves to
 * how many bytes it took (all of a packet; of a stream perhaps fewer). Descriptors are moved or duplicated as
 * by `Sender.sendWithFds`. Over a stream they need at least one byte to ride with.
 *
 * @returns rejects with ERR_WORMHOLE_SYSTEM, ERR_WORMHOLE_BAD_FD, ERR_WORMHOLE_TOO_MANY_FDS
 *
 * @example
 * import { sendmsg, socketpair } from 'wormhole-ipc/socket'
 *
 * const [ours, theirs] = socketpair('seqpacket')
 * await sendmsg(ours, Buffer.from('standard output'), [process.stdout.fd])
 */
export function sendmsg(fd: SocketSource, bytes: Uint8Array, fds: readonly FdSource[] = []): Promise<number> {
  return quiet(send(fd, bytes, fds))
}

async function send(fd: SocketSource, bytes: Uint8Array, fds: readonly FdSource[]): Promise<number> {
  const number = numberOf(fd)
  if (!(bytes instanceof Uint8Array)) throw argumentError('sendmsg: bytes must be a Uint8Array')
  const isStream = socket.option(number, socket.SO_TYPE) === socket.SOCK_STREAM
  if (bytes.length > INBOX_BYTES && !isStream) {
    throw systemError('sendmsg', socket.EMSGSIZE, `cannot send a packet of ${bytes.length} bytes`)
  }
  const piece = bytes.subarray(0, INBOX_BYTES)
  const transfer = fds.length === 0 ? null : new Transfer(fds, socket.SCM_MAX_FD)
  try {
    const sent = await whenReady(number, socket.POLLOUT, (open) => {
      stage(piece)
      return socket.send(open, inbox, piece.length, transfer?.fds ?? null)
    })
    if (sent < 0) throw systemError('sendmsg', sent, `cannot send on descriptor ${number}`)
    transfer?.accepted()
    return sent
  } catch (error) {
    transfer?.refused()
    throw error
  }
}

/**
 * Receives one packet, or what a stream has, with one recvmsg(2), waiting until there is something. What
 * does not fit into `buffer` of a packet is lost, and `truncated` says so.
 *
 * @returns rejects with ERR_WORMHOLE_SYSTEM
 *
 * @example
 * import { recvmsg } from 'wormhole-ipc/socket'
 *
 * const buffer = Buffer.alloc(65536)
 * const { bytes, fds } = await recvmsg(3, buffer)
 * console.log(buffer.toString('utf8', 0, bytes))
 * for (const fd of fds) fd.close()
 */
export function recvmsg(fd: SocketSource, buffer: Uint8Array): Promise<ReceivedBytes> {
  return quiet(receive(fd, buffer))
}

async function receive(fd: SocketSource, buffer: Uint8Array): Promise<ReceivedBytes> {
  const number = numberOf(fd)
  if (!(buffer instanceof Uint8Array)) throw argumentError('recvmsg: buffer must be a Uint8Array')
  const room = Math.min(buffer.length, INBOX_BYTES)
  let result: ReceivedBytes = { bytes: 0, fds: [], truncated: false }
  const count = await whenReady(number, socket.POLLIN, (open) => {
    const length = socket.receive(open, inbox, room)
    if (length < 0) return length
    const fds = socket.broughtDescriptors()
      ? socket.takeDescriptors().map((received) => new OwnedFd(received, true))
      : []
    result = { bytes: length, fds, truncated: socket.lostBytes() || socket.lostDescriptors() }
    // In the same breath, as the inbox is everybody's. Throws for a buffer that was detached meanwhile.
    unstage(buffer, length)
    return length
  })
  if (count < 0) throw systemError('recvmsg', count, `cannot receive on descriptor ${number}`)
  return result
}

/**
 * Who made the other end: process, user and group id as the kernel recorded them at connect, listen or
 * socketpair (SO_PEERCRED, unix(7)). Of a socket pair it names the pair's creator on both ends, also after a fork.
 * Never answers with a number that stands for somebody unknown: a peer whose process is not visible in this PID
 * namespace, or whose user or group has no number in this user namespace, is refused.
 *
 * @throws ERR_WORMHOLE_BAD_FD when it is no Unix socket, has no peer (it is listening, not connected, or a datagram
 * socket that is not of a pair), or the kernel cannot name the peer here; ERR_WORMHOLE_SYSTEM when it is no socket
 *
 * @example
 * import { peerCredentials } from 'wormhole-ipc/socket'
 *
 * const { pid, uid } = peerCredentials(3)
 * if (uid !== process.getuid?.()) throw new Error(`process ${pid} is somebody else's`)
 */
export function peerCredentials(fd: SocketSource): { pid: number; uid: number; gid: number } {
  return knownPeer(numberOf(fd))
}

function numberOf(source: SocketSource): number {
  const number = typeof source === 'number' ? source : source?.fd
  if (!socket.isNumber(number)) throw socket.badDescriptor(`${String(number)} is not an open descriptor`)
  return number
}
