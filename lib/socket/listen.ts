import { describe } from '../core/describe.js'
import { argumentError, systemError } from '../core/errors.js'
import { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { stageAddress } from '../wire/inbox.js'
import { Address } from './address.js'
import { numberOfType, type SocketType } from './pair.js'
import { addressInUse, type FileId, removeStale, setMode } from './path.js'

const fs = process.getBuiltinModule('node:fs')

/**
 * Options of `listen`.
 *
 * @example
 * import { type ListenOptions, listen } from 'wormhole-ipc/socket'
 *
 * const options: ListenOptions = { type: 'seqpacket', mode: 0o660 } // its group may connect as well
 * const listening = listen('/tmp/app.sock', options)
 */
export interface ListenOptions {
  /** The socket's type; one of type `'dgram'` is bound to the address and receives there. @default 'stream' */
  type?: SocketType | undefined
  /** The permissions of a path, whatever the umask: who may write to it may connect. @default 0o600 */
  mode?: number | undefined
  /** How many connections may wait to be accepted; the kernel allows at most `net.core.somaxconn`. @default 511 */
  backlog?: number | undefined
}

const DEFAULT_MODE = 0o600
/** Node's own default. */
const DEFAULT_BACKLOG = 511
/** How often to try again if other processes replace the same path at the same time. */
const MAX_ATTEMPTS = 100

/**
 * Makes a listening Unix socket, close-on-exec (socket(2), bind(2), listen(2)); one of type `'dgram'` is only bound. A path
 * never has more permissions than `mode`, not for a moment. A socket that a dead process left at the path is replaced. The
 * path stays when the socket is closed: remove it, or leave it to the next `listen`, which replaces it.
 *
 * @param path a path, which may be longer than the 107 bytes that an address holds, or `'@name'` for the abstract namespace
 * @throws ERR_WORMHOLE_ADDRESS_IN_USE (another process has it, or what is there is no socket or may not be replaced),
 * ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_SYSTEM (ENOENT: no such folder; EACCES; EMFILE: no descriptors left)
 *
 * @example
 * import { accept, listen, peerCredentials } from 'wormhole-ipc/socket'
 *
 * const listening = listen('/tmp/app.sock')
 * const connection = await accept(listening)
 * console.log(peerCredentials(connection).uid)
 */
export function listen(path: string, options: ListenOptions = {}): OwnedFd {
  return listenAt(path, options, 'listen').socket
}

/** A socket, and which file it has made; no file for an abstract name. */
export interface Bound {
  readonly socket: OwnedFd
  readonly file: FileId | undefined
}

/** Does what `listen` does, for the call named `call`. */
export function listenAt(path: string, options: ListenOptions, call: string): Bound {
  if (options === null || typeof options !== 'object') {
    throw argumentError(`${call}: the options are an object, not ${describe(options)}`)
  }
  const type = numberOfType(options.type ?? 'stream', call)
  const { mode, backlog = DEFAULT_BACKLOG } = options
  requireNumber(mode ?? DEFAULT_MODE, 0o777, 'mode', call)
  requireNumber(backlog, 2 ** 31 - 1, 'backlog', call)
  const address = new Address(path, call)
  let fd = -1
  try {
    if (address.isAbstract && mode !== undefined) {
      throw argumentError(`${call}: an abstract name has no mode: every process of its network namespace may connect`)
    }
    fd = socket.openSocket(type)
    const file = address.isAbstract ? bindName(fd, address) : bindPath(fd, address, mode ?? DEFAULT_MODE)
    const result = type === socket.SOCK_DGRAM ? 0 : socket.listen(fd, backlog)
    if (result < 0) throw systemError('listen', result, `cannot listen on ${path}`)
    return { socket: new OwnedFd(fd, true), file }
  } catch (error) {
    if (fd >= 0) socket.close(fd)
    throw error
  } finally {
    address.close()
  }
}

function bindName(fd: number, { bytes, path }: Address): undefined {
  const result = socket.bind(fd, stageAddress(bytes), bytes.length)
  if (result === socket.EADDRINUSE) throw addressInUse(path, 'another socket has this name')
  if (result < 0) throw systemError('bind', result, `cannot bind a socket to ${path}`)
}

function bindPath(fd: number, { bytes, path }: Address, mode: number): FileId {
  // The kernel gives the file the permissions of the socket's own inode, less the umask (unix_bind_bsd in net/unix/af_unix.c).
  fs.fchmodSync(fd, mode)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const result = socket.bind(fd, stageAddress(bytes), bytes.length)
    if (result === 0) return setMode(path, mode)
    if (result !== socket.EADDRINUSE) throw systemError('bind', result, `cannot bind a socket to ${path}`)
    removeStale(path)
  }
  throw addressInUse(path, 'other processes replace it all the time')
}

function requireNumber(value: unknown, max: number, name: string, call: string): void {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max) return
  const highest = name === 'mode' ? '0o777' : max
  throw argumentError(`${call}: ${name} must be a whole number from 0 to ${highest}, not ${describe(value)}`)
}
