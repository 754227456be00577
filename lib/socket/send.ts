import { argumentError, systemError } from '../core/errors.js'
import { signalOf, type WaitOptions } from '../core/options.js'
import { quiet } from '../core/promises.js'
import { isUint8Array } from '../core/shapes.js'
import { requireNothingToWrite } from '../fd/node-source.js'
import { type FdSource, Transfer } from '../fd/transfer.js'
import { whenReady } from '../os/ready-calls.js'
import * as socket from '../os/syscalls.js'
import { ADDRESSED_BYTES, INBOX_BYTES, inbox, stage, stageAddress } from '../wire/inbox.js'
import { Address } from './address.js'
import { numberOf, type SocketSource } from './source.js'

/**
 * Options of `sendmsg`.
 *
 * @example
 * import { type SendmsgOptions, sendmsg } from 'wormhole-ipc/socket'
 *
 * const options: SendmsgOptions = { to: process.env.NOTIFY_SOCKET, signal: AbortSignal.timeout(1000) }
 * await sendmsg(owned, Buffer.from('READY=1'), [], options)
 */
export interface SendmsgOptions extends WaitOptions {
  /**
   * Where a datagram goes: a path, or `'@name'` for the abstract namespace. Left out, it goes to the address to which the
   * socket is connected. Only for sockets of type `'dgram'`.
   */
  to?: string | undefined
}

/**
 * Sends bytes and up to 253 descriptors with one sendmsg(2), waiting until the socket takes them; resolves to the number
 * of bytes it took (all of a packet; perhaps fewer of a stream). Descriptors are moved or duplicated as by
 * `Sender.sendWithFds`. Over a stream they need at least one byte to ride with.
 *
 * @param options `to` is where a datagram goes; `signal` ends the wait, unless the socket takes the bytes by then
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
  options?: SendmsgOptions
): Promise<number> {
  return quiet(send(fd, bytes, fds, options))
}

async function send(
  fd: SocketSource,
  bytes: Uint8Array,
  fds: readonly FdSource[],
  options: SendmsgOptions | undefined
): Promise<number> {
  const number = numberOf(fd)
  requireNothingToWrite(fd)
  if (!isUint8Array(bytes)) throw argumentError('sendmsg: bytes must be a Uint8Array')
  if (!Array.isArray(fds)) throw argumentError('sendmsg: fds must be an array of descriptors')
  const signal = signalOf(options, 'sendmsg')
  signal?.throwIfAborted()
  const type = socket.option(number, socket.SO_TYPE)
  const isStream = type === socket.SOCK_STREAM
  if (isStream && bytes.length === 0 && fds.length > 0) {
    throw argumentError(
      'sendmsg: descriptors over a byte stream need at least one byte to ride with; the kernel drops them'
    )
  }
  if (options?.to !== undefined && type !== socket.SOCK_DGRAM) {
    throw argumentError("sendmsg: `to` is for datagrams: only a socket of type 'dgram' can send to an address")
  }
  const to = options?.to === undefined ? undefined : new Address(options.to, 'sendmsg')
  try {
    return await deliver(number, isStream, bytes, fds, to, signal)
  } finally {
    to?.close()
  }
}

async function deliver(
  number: number,
  isStream: boolean,
  bytes: Uint8Array,
  fds: readonly FdSource[],
  to: Address | undefined,
  signal: AbortSignal | undefined
): Promise<number> {
  if (bytes.length > (to === undefined ? INBOX_BYTES : ADDRESSED_BYTES) && !isStream) {
    throw systemError('sendmsg', socket.EMSGSIZE, `cannot send a packet of ${bytes.length} bytes`)
  }
  const piece = bytes.subarray(0, INBOX_BYTES)
  const transfer = fds.length === 0 ? null : new Transfer(fds, socket.SCM_MAX_FD)
  const call = (open: number) => {
    stage(piece)
    if (to === undefined) return socket.send(open, inbox, piece.length, transfer?.fds ?? null)
    return socket.sendTo(open, inbox, piece.length, transfer?.fds ?? null, stageAddress(to.bytes), to.bytes.length)
  }
  try {
    // No event tells of room in the queue of an address: POLLOUT is about the socket's own buffer, and would hold all the time.
    const sent =
      to === undefined
        ? await whenReady(number, socket.POLLOUT, call, signal)
        : await whenReady(number, 0, call, signal, `to:${to.path}`)
    if (sent < 0) {
      throw systemError(
        'sendmsg',
        sent,
        `cannot send on descriptor ${number}${to === undefined ? '' : ` to ${to.path}`}`
      )
    }
    transfer?.accepted()
    return sent
  } catch (error) {
    transfer?.refused()
    throw error
  }
}
