import { argumentError, systemError } from '../core/errors.js'
import { signalOf, type WaitOptions } from '../core/options.js'
import { quiet } from '../core/promises.js'
import { isUint8Array } from '../core/shapes.js'
import { stopNodeReading } from '../fd/node-source.js'
import { OwnedFd } from '../fd/owned-fd.js'
import { whenReady } from '../os/ready-calls.js'
import * as socket from '../os/syscalls.js'
import { INBOX_BYTES, inbox, unstage } from '../wire/inbox.js'
import { numberOf, type SocketSource } from './source.js'

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
