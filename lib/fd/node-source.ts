import { describe } from '../core/describe.js'
import { argumentError, WormholeError } from '../core/errors.js'
import * as socket from '../os/syscalls.js'
import { assertOpen, endOf, isOwner, kDescriptor } from './descriptor.js'

/** Finds the descriptors of Node's own objects, and keeps Node from what we read and write there. */

/** The properties that tell Node's sockets and servers, by shape: they may be of another realm. */
interface NodeSource {
  fd?: unknown
  _handle?: Handle | null
  connecting?: unknown
  encrypted?: unknown
  /** Bytes that Node has read and the program has not taken. */
  readableLength?: unknown
  /** Bytes that the program has written and the kernel has not taken. */
  writableLength?: unknown
}

/** Node's handle of a socket; child_process, cluster and http2 of every Node so far use these members. */
interface Handle {
  fd?: unknown
  reading?: unknown
  readStop?: unknown
}

/** Returns the number of the caller's descriptor, or undefined; throws for a socket that cannot be used as one. */
export function numberIn(source: unknown): number | undefined {
  if (typeof source === 'number') return source
  const { fd, _handle, connecting, encrypted } = (source ?? {}) as NodeSource
  if (typeof fd === 'number') return fd
  if (encrypted === true) {
    throw socket.badDescriptor(
      'a TLSSocket cannot be used as a descriptor: its keys stay in this process, and the socket carries ciphertext. Relay its data, or use the connection before TLS begins'
    )
  }
  if (connecting === true)
    throw socket.badDescriptor(
      "a socket cannot be used as a descriptor while it connects: wait for its 'connect' event"
    )
  return typeof _handle?.fd === 'number' ? _handle.fd : undefined
}

/** Returns the number of what another owner is to get; throws for a socket of which Node has read bytes already. */
export function numberToGive(source: unknown): number | undefined {
  const number = numberIn(source)
  if (handleOf(source) !== undefined) requireNothingRead(source as NodeSource)
  return number
}

/** Duplicates the descriptor of what stays the caller's, with the checks of what another owner is to get. */
export function duplicateOf(source: unknown): number {
  if (endOf(source) !== undefined) {
    throw argumentError('OwnedFd.from() takes no end of a channel: use its clone(), or new OwnedFd(end.detach())')
  }
  if (isOwner(source)) assertOpen(source[kDescriptor]('duplicate'), 'OwnedFd')
  const number = numberToGive(source)
  if (!socket.isNumber(number)) throw socket.badDescriptor(`${describe(source)} has no open descriptor`)
  return socket.duplicate(number)
}

/** Lets only the caller read from now on: Node stops reading, and must not have read what nobody has taken. */
export function stopNodeReading(source: unknown): void {
  const handle = handleOf(source)
  if (handle === undefined) return
  requireNothingRead(source as NodeSource)
  if (handle.reading !== true || typeof handle.readStop !== 'function') return
  handle.reading = false
  handle.readStop()
}

/** Throws if Node still has bytes to write, which would come after those of the caller. */
export function requireNothingToWrite(source: unknown): void {
  if (handleOf(source) === undefined) return
  const { writableLength } = source as NodeSource
  if (typeof writableLength !== 'number' || writableLength === 0) return
  throw new WormholeError(
    'ERR_WORMHOLE_PENDING',
    `Node has still to write ${bytes(writableLength)} to this socket, which would come later: wait for the callback of write()`
  )
}

function requireNothingRead({ readableLength }: NodeSource): void {
  if (typeof readableLength !== 'number' || readableLength === 0) return
  throw new WormholeError(
    'ERR_WORMHOLE_PENDING',
    `Node has read ${bytes(readableLength)} of this socket already, which would be missing elsewhere: make its server with pauseOnConnect: true, or pause() it before it connects; or take what is here with read() and send it along`
  )
}

function bytes(count: number): string {
  return `${count} byte${count === 1 ? '' : 's'}`
}

/** The handle of Node's socket or server; undefined for what gives its number itself. */
function handleOf(source: unknown): Handle | undefined {
  if (typeof source !== 'object' || source === null) return undefined
  const { fd, _handle } = source as NodeSource
  return typeof fd === 'number' ? undefined : (_handle ?? undefined)
}
