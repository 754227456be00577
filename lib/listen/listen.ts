import { describe } from '../core/describe.js'
import { argumentError } from '../core/errors.js'
import { signalOf, type WaitOptions } from '../core/options.js'
import { kDescriptor } from '../fd/descriptor.js'
import { OwnedFd } from '../fd/owned-fd.js'
import { isOwner } from '../fd/transfer.js'
import * as socket from '../os/syscalls.js'
import { requireListening } from '../socket/accept.js'
import { nameOf } from '../socket/address.js'
import { listenAt } from '../socket/listen.js'
import { Listener } from './listener.js'

/**
 * Options of `listen`.
 *
 * @example
 * import { type ListenOptions, listen } from 'wormhole-ipc/listen'
 *
 * const options: ListenOptions = { mode: 0o660 } // its group may connect as well
 * const listener = await listen('/tmp/app.sock', options)
 */
export interface ListenOptions extends WaitOptions {
  /** The permissions of a path, whatever the umask: who may write to it may connect. @default 0o600 */
  mode?: number | undefined
  /** Closes the listener, as its `close()` does. */
  signal?: AbortSignal | undefined
}

/**
 * Listens for processes that `connect` to a path, or to an `'@name'` of the abstract namespace, to get ends of channels. A
 * path never has more permissions than `mode`, not for a moment; a socket that a dead process left there is replaced.
 * `{ fd }` is a listening socket of type SOCK_SEQPACKET that this process was given, as by systemd: the listener owns it from
 * then on, and leaves its path alone.
 *
 * @returns a promise that rejects with ERR_WORMHOLE_ADDRESS_IN_USE (another process listens there, or what is there is no
 * socket), ERR_WORMHOLE_BAD_FD (`fd` is not such a socket), ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_SYSTEM or the signal's reason
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 * import { listen } from 'wormhole-ipc/listen'
 *
 * const listener = await listen('/tmp/app.sock')
 * for await (const client of listener) {
 *   const [sender, news] = channel<string>()
 *   await client.give({ news })
 *   await sender.send(`hello, process ${client.credentials.pid}`)
 *   sender.close()
 * }
 */
export async function listen(path: string | { readonly fd: number }, options: ListenOptions = {}): Promise<Listener> {
  const signal = signalOf(options, 'listen')
  signal?.throwIfAborted()
  const isThere = typeof path === 'object' && path !== null
  return isThere ? adopting(path, options, signal) : bound(path, options, signal)
}

/** Few, so that who comes during a flood of connections is not far back; others try again every few milliseconds. */
const BACKLOG = 128

function bound(path: string, { mode }: ListenOptions, signal: AbortSignal | undefined): Listener {
  return new Listener(listenAt(path, { type: 'seqpacket', mode, backlog: BACKLOG }, 'listen'), path, true, signal)
}

function adopting(source: { readonly fd: number }, { mode }: ListenOptions, signal: AbortSignal | undefined): Listener {
  const { fd } = source
  if (mode !== undefined) throw argumentError('listen: a socket that is there already has its mode: leave `mode` out')
  if (!socket.isNumber(fd)) throw argumentError(`listen: fd is a descriptor's number, not ${describe(fd)}`)
  requireListening(fd)
  if (
    socket.option(fd, socket.SO_DOMAIN) !== socket.AF_UNIX ||
    socket.option(fd, socket.SO_TYPE) !== socket.SOCK_SEQPACKET
  ) {
    throw socket.badDescriptor(
      `descriptor ${fd} is not a Unix socket of type SOCK_SEQPACKET: a systemd unit has ListenSequentialPacket= for it`
    )
  }
  const owned = isOwner(source) ? new OwnedFd(source[kDescriptor]('adopt').release()) : new OwnedFd(fd)
  return new Listener({ socket: owned, file: undefined }, nameOf(fd), false, signal)
}
