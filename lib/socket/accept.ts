import { systemError } from '../core/errors.js'
import { signalOf, type WaitOptions } from '../core/options.js'
import { quiet } from '../core/promises.js'
import { OwnedFd } from '../fd/owned-fd.js'
import { whenReady } from '../os/ready-calls.js'
import * as socket from '../os/syscalls.js'
import { numberOf, type SocketSource } from './source.js'

/**
 * Takes the next connection of a listening socket, close-on-exec (accept4(2)), waiting until there is one. Never sets
 * O_NONBLOCK on the socket, which several processes may share: if another of them takes a connection in the moment after
 * this one has seen it, the thread is blocked for a tenth of a millisecond, and the wait goes on.
 *
 * @param options `signal` ends the wait, unless a connection is there by then
 * @returns a promise that rejects with ERR_WORMHOLE_SYSTEM (EMFILE: no descriptors left; the connection waits on),
 * ERR_WORMHOLE_BAD_FD, ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_CLOSED (this process closed or moved the socket during the wait)
 * or the signal's reason
 *
 * @example
 * import { accept, listen } from 'wormhole-ipc/socket'
 *
 * const listening = listen('@example')
 * for (;;) (await accept(listening)).toSocket().end('hello\n')
 */
export function accept(fd: SocketSource, options?: WaitOptions): Promise<OwnedFd> {
  return quiet(take(fd, options))
}

async function take(fd: SocketSource, options: WaitOptions | undefined): Promise<OwnedFd> {
  const number = numberOf(fd)
  const signal = signalOf(options, 'accept')
  signal?.throwIfAborted()
  requireListening(number)
  const result = await whenReady(number, socket.POLLIN, socket.accept, signal)
  if (result < 0) throw systemError('accept', result, `cannot accept a connection on descriptor ${number}`)
  return new OwnedFd(result, true)
}

/** Throws unless the descriptor is a listening socket: no connection would ever come. */
export function requireListening(fd: number): void {
  const listens = socket.option(fd, socket.SO_ACCEPTCONN)
  if (listens > 0) return
  const what = listens === socket.EBADF ? 'is not open' : listens < 0 ? 'is not a socket' : 'is not a listening socket'
  throw socket.badDescriptor(`descriptor ${fd} ${what}`)
}
