import { describe } from '../core/describe.js'
import { argumentError, type WormholeError } from '../core/errors.js'
import { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'

/**
 * The types of Unix sockets: packets over a connection, a byte stream, datagrams (unix(7)).
 *
 * @example
 * import { connect, type SocketType } from 'wormhole-ipc/socket'
 *
 * const type: SocketType = 'seqpacket'
 * const connection = await connect('/run/app.sock', { type })
 */
export type SocketType = 'seqpacket' | 'stream' | 'dgram'

const types = { seqpacket: socket.SOCK_SEQPACKET, stream: socket.SOCK_STREAM, dgram: socket.SOCK_DGRAM }

/** Returns the kernel's number of a socket's type. */
export function numberOfType(type: unknown, call: string): number {
  if (typeof type !== 'string' || !Object.hasOwn(types, type)) throw wrongType(type, call)
  return types[type as SocketType]
}

function wrongType(type: unknown, call: string): WormholeError {
  return argumentError(`${call}: the type is 'seqpacket', 'stream' or 'dgram', not ${describe(type)}`)
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
export function socketpair(type: SocketType): [OwnedFd, OwnedFd] {
  const [a, b] = socket.socketpair(numberOfType(type, 'socketpair'))
  return [new OwnedFd(a, true), new OwnedFd(b, true)]
}
