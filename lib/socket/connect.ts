import { systemError } from '../core/errors.js'
import { signalOf, type WaitOptions } from '../core/options.js'
import { pause } from '../core/pause.js'
import { quiet } from '../core/promises.js'
import { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { stageAddress } from '../wire/inbox.js'
import { Address } from './address.js'
import { numberOfType, type SocketType } from './pair.js'

/**
 * Options of `connect`.
 *
 * @example
 * import { type ConnectOptions, connect } from 'wormhole-ipc/socket'
 *
 * const options: ConnectOptions = { type: 'seqpacket', signal: AbortSignal.timeout(1000) }
 * const connection = await connect('/run/app.sock', options)
 */
export interface ConnectOptions extends WaitOptions {
  /** The socket's type, which must be that of the listening one. @default 'stream' */
  type?: SocketType | undefined
}

/** The pauses between attempts while a backlog is full, in milliseconds: the kernel has no event for room in it. */
const FIRST_PAUSE_MS = 1
const MAX_PAUSE_MS = 4

/**
 * Connects to a Unix socket, close-on-exec (connect(2)). Waits while the backlog of the listening socket is full, without
 * blocking the thread. A datagram socket only remembers the address, as the one that `sendmsg` without `to` sends to.
 *
 * @param path a path, which may be longer than the 107 bytes that an address holds, or `'@name'` for the abstract namespace
 * @returns a promise that rejects with ERR_WORMHOLE_SYSTEM (ENOENT, ECONNREFUSED: nobody listens; EACCES; EPROTOTYPE: of
 * another type), ERR_WORMHOLE_ARGUMENT or the signal's reason
 *
 * @example
 * import { connect, sendmsg } from 'wormhole-ipc/socket'
 *
 * const manager = await connect('/run/systemd/notify', { type: 'dgram' })
 * await sendmsg(manager, Buffer.from('READY=1'))
 */
export function connect(path: string, options?: ConnectOptions): Promise<OwnedFd> {
  return quiet(open(path, options))
}

async function open(path: string, options: ConnectOptions | undefined): Promise<OwnedFd> {
  const signal = signalOf(options, 'connect')
  signal?.throwIfAborted()
  const type = numberOfType(options?.type ?? 'stream', 'connect')
  const address = new Address(path, 'connect')
  let fd = -1
  try {
    // Nobody shares the socket yet, so it may be non-blocking until it is connected.
    fd = socket.openSocket(type | socket.SOCK_NONBLOCK)
    await attempt(fd, address, signal)
    socket.setNonblocking(fd, false)
    return new OwnedFd(fd, true)
  } catch (error) {
    if (fd >= 0) socket.close(fd)
    throw error
  } finally {
    address.close()
  }
}

async function attempt(fd: number, { bytes, path }: Address, signal: AbortSignal | undefined): Promise<void> {
  for (let milliseconds = FIRST_PAUSE_MS; ; milliseconds = Math.min(2 * milliseconds, MAX_PAUSE_MS)) {
    const result = socket.connect(fd, stageAddress(bytes), bytes.length)
    if (result === 0) return
    if (result !== socket.EAGAIN) throw systemError('connect', result, `cannot connect to ${path}`)
    await pause(milliseconds, signal)
  }
}
