/**
 * Raw sockets with descriptors, for other protocols: Wayland, D-Bus, systemd, container runtimes.
 *
 * @module wormhole-ipc/socket
 */

import type { Server, Socket } from 'node:net'
import './core/supported.js'
import { describe } from './core/describe.js'
import { argumentError, systemError } from './core/errors.js'
import { signalOf, type WaitOptions } from './core/options.js'
import { OwnedFd } from './fd/owned-fd.js'
import { knownPeer } from './os/peer.js'
import { whenReady } from './os/ready-calls.js'
import { INBOX_BYTES, inbox, stage, unstage } from './wire/inbox.js'
import './channel/channel.js'
import { quiet } from './core/promises.js'
import { isUint8Array } from './core/shapes.js'
import { requireNothingToWrite, stopNodeReading } from './fd/node-source.js'
import { type FdSource, numberIn, Transfer } from './fd/transfer.js'
import * as socket from './os/syscalls.js'

export type { WaitOptions } from './core/options.js'
export { OwnedFd, type SocketOptions } from './fd/owned-fd.js'
export type { FdSource } from './fd/transfer.js'

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
export type SocketSource = number | { readonly fd: number } | Socket | Server

const types = { seqpacket: socket.SOCK_SEQPACKET, stream: socket.SOCK_STREAM, dgram: socket.SOCK_DGRAM }

/**
 * What `recvmsg` received.
 *
 * @example
 * import { type ReceivedBytes, recvmsg } from 'wormhole-ipc/socket'
 *
 * const buffer = Buffer.alloc(4096)
 * const { bytes, fds, truncated }: ReceivedBytes = await recvmsg(owned, buffer)
 * console.log(buffer.toString('utf8', 0, bytes), fds.length, truncated)
 */
export interface ReceivedBytes {
  /** How many bytes of the buffer were filled; 0 for an empty packet and at the end. */
  bytes: number
  /** The descriptors that came along, close-on-exec; the caller must close them. */
  fds: OwnedFd[]
  /** Whether bytes of a packet were lost because they did not fit into the buffer (MSG_TRUNC, recvmsg(2)). */
  truncated: boolean
  /** Whether descriptors were lost because this process may not open more (MSG_CTRUNC, recvmsg(2)). */
  fdsTruncated: boolean
  /** Whether the other side closed the socket or shut it down, and nothing more will come. Never true for datagrams. */
  end: boolean
}

/**
 * Makes an anonymous pair of connected Unix sockets, close-on-exec (socketpair(2)).
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
 * Sends bytes and up to 253 descriptors with one sendmsg(2), waiting until the socket takes them; resolves to the number
 * of bytes it took (all of a packet; perhaps fewer of a stream). Descriptors are moved or duplicated as by
 * `Sender.sendWithFds`. Over a stream they need at least one byte to ride with.
 *
 * @param options `signal` ends the wait, unless the socket takes the bytes by then
 * @returns a promise that rejects with ERR_WORMHOLE_SYSTEM, ERR_WORMHOLE_BAD_FD, ERR_WORMHOLE_TOO_MANY_FDS,
 * ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_PENDING (Node has bytes of its own to write to this `net.Socket`, or has read bytes
 * of one in `fds`), ERR_WORMHOLE_CLOSED (this process closed or moved the socket meanwhile) or the signal's reason
 *
 * @example
 * import { sendmsg, socketpair } from 'wormhole-ipc/socket'
 *
 * const [ours, theirs] = socketpair('seqpacket')
 * await sendmsg(ours, Buffer.from('standard output'), [process.stdout.fd])
 */
export function sendmsg(
  fd: SocketSource,
  bytes: Uint8Array,
  fds: readonly FdSource[] = [],
  options?: WaitOptions
): Promise<number> {
  return quiet(send(fd, bytes, fds, options))
}

async function send(
  fd: SocketSource,
  bytes: Uint8Array,
  fds: readonly FdSource[],
  options: WaitOptions | undefined
): Promise<number> {
  const number = numberOf(fd)
  requireNothingToWrite(fd)
  if (!isUint8Array(bytes)) throw argumentError('sendmsg: bytes must be a Uint8Array')
  if (!Array.isArray(fds)) throw argumentError('sendmsg: fds must be an array of descriptors')
  const signal = signalOf(options, 'sendmsg')
  signal?.throwIfAborted()
  const isStream = socket.option(number, socket.SO_TYPE) === socket.SOCK_STREAM
  if (isStream && bytes.length === 0 && fds.length > 0) {
    throw argumentError(
      'sendmsg: descriptors over a byte stream need at least one byte to ride with; the kernel drops them'
    )
  }
  if (bytes.length > INBOX_BYTES && !isStream) {
    throw systemError('sendmsg', socket.EMSGSIZE, `cannot send a packet of ${bytes.length} bytes`)
  }
  const piece = bytes.subarray(0, INBOX_BYTES)
  const transfer = fds.length === 0 ? null : new Transfer(fds, socket.SCM_MAX_FD)
  const call = (open: number) => {
    stage(piece)
    return socket.send(open, inbox, piece.length, transfer?.fds ?? null)
  }
  try {
    const sent = await whenReady(number, socket.POLLOUT, call, signal)
    if (sent < 0) throw systemError('sendmsg', sent, `cannot send on descriptor ${number}`)
    transfer?.accepted()
    return sent
  } catch (error) {
    transfer?.refused()
    throw error
  }
}

/**
 * Receives one packet, or what a stream has, with one recvmsg(2), waiting until there is something. The part of a packet
 * that does not fit into `buffer` is lost, and `truncated` is true. Node reads a `net.Socket` no more from the first call
 * on; it goes on with `OwnedFd.from(socket).toSocket()`.
 *
 * @param options `signal` ends the wait, unless something is there by then
 * @returns a promise that rejects with ERR_WORMHOLE_SYSTEM, ERR_WORMHOLE_BAD_FD, ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_CLOSED
 * (this process closed or moved the socket, or made another object its owner, during the wait), ERR_WORMHOLE_PENDING (Node
 * has read bytes of this `net.Socket` that nobody has taken) or the signal's reason
 *
 * @example
 * import { recvmsg } from 'wormhole-ipc/socket'
 *
 * const buffer = Buffer.alloc(65536)
 * const { bytes, fds, end } = await recvmsg(3, buffer)
 * console.log(end ? 'closed' : buffer.toString('utf8', 0, bytes))
 * for (const fd of fds) fd.close()
 */
export function recvmsg(fd: SocketSource, buffer: Uint8Array, options?: WaitOptions): Promise<ReceivedBytes> {
  return quiet(receive(fd, buffer, options))
}

async function receive(fd: SocketSource, buffer: Uint8Array, options: WaitOptions | undefined): Promise<ReceivedBytes> {
  const number = numberOf(fd)
  if (!isUint8Array(buffer)) throw argumentError('recvmsg: buffer must be a Uint8Array')
  const signal = signalOf(options, 'recvmsg')
  signal?.throwIfAborted()
  stopNodeReading(fd)
  const room = Math.min(buffer.length, INBOX_BYTES)
  let result: ReceivedBytes | undefined
  const call = (open: number) => {
    const { length, fds, lostBytes: truncated, lostFds: fdsTruncated, end } = socket.receiveTelling(open, inbox, room)
    if (length < 0) return length
    result = {
      bytes: length,
      fds: (fds ?? []).map((number) => new OwnedFd(number, true)),
      truncated,
      fdsTruncated,
      end,
    }
    // Copied immediately, as every read uses the inbox. Throws for a buffer that was detached during the wait.
    unstage(buffer, length)
    return length
  }
  const count = await whenReady(number, socket.POLLIN, call, signal)
  if (result === undefined) throw systemError('recvmsg', count, `cannot receive on descriptor ${number}`)
  return result
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

function numberOf(source: SocketSource): number {
  const number = numberIn(source)
  if (!socket.isNumber(number)) throw socket.badDescriptor(`${describe(number ?? source)} is not an open descriptor`)
  return number
}
