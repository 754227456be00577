import type { Cluster } from 'node:cluster'
import type { Server, Socket, SocketConstructorOpts } from 'node:net'

import { nextTick } from '../core/globals.js'
import { isMainThread } from '../os/addon.js'
import * as socket from '../os/syscalls.js'

/** Makes Node's own objects of descriptors. */

const fs = process.getBuiltinModule('node:fs')

/** Listens on `fd`. A worker of the cluster module would ask its primary, in which the number is another descriptor. */
export function listen(server: Server, fd: number): void {
  const cluster = process.getBuiltinModule('node:cluster') as unknown as Cluster
  if (!cluster.isWorker) server.listen({ fd })
  else (server as unknown as InnerServer)._listen2(null, null, null, BACKLOG, fd)
}

/** The method that net.Server.listen() itself calls without a cluster, in every Node so far. */
interface InnerServer {
  _listen2(address: null, port: null, addressType: null, backlog: number, fd: number): void
}

/** Node's own default. The socket listens already. */
const BACKLOG = 511

/** /dev/random and /dev/urandom: epoll accepts them, and they are always ready (devices.txt: major 1, minors 8 and 9). */
export const READY_DEVICES = [0x108, 0x109]

const NOTHING = new Uint8Array(0)

/** Finds what a pipe's end was opened for: reads and writes no bytes, which needs neither a wait nor /proc. */
export function directions(fd: number): { readable: boolean; writable: boolean } {
  return {
    readable: works(() => fs.readvSync(fd, [NOTHING])),
    writable: works(() => fs.writeSync(fd, NOTHING)),
  }
}

function works(call: () => void): boolean {
  try {
    call()
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EBADF'
  }
}

/**
 * Opens the pipe as a new open file description; undefined if that fails: a pipe of another user, no /proc. A named FIFO
 * is left alone: opened for reading again, it does not see that its writers closed it before.
 */
export function reopenPipe(fd: number, { readable, writable }: SocketConstructorOpts): number | undefined {
  const path = `/proc/self/fd/${fd}`
  const { O_RDWR, O_RDONLY, O_WRONLY, O_NONBLOCK } = fs.constants
  try {
    if (!fs.readlinkSync(path).startsWith('pipe:')) return undefined
    const { readable: canRead, writable: canWrite } = directions(fd)
    if ((readable && !canRead) || (writable && !canWrite)) return undefined
    const mode = readable ? (writable ? O_RDWR : O_RDONLY) : O_WRONLY
    return fs.openSync(path, mode | O_NONBLOCK)
  } catch {
    return undefined
  }
}

/** Makes EIO the end of a stream: a pseudo terminal reads as EIO once its other side is closed. */
export function endingAtHangup(stream: Socket): Socket {
  const destroy = stream.destroy.bind(stream)
  stream.destroy = (error) => {
    const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException
    if (code !== 'EIO' || syscall !== 'read') return destroy(error)
    stream.once('end', () => destroy())
    stream.push(null)
    stream.read(0)
    return stream
  }
  return stream
}

/**
 * Makes a stream of node:fs, which owns the descriptor. In a worker Node warns of fs.close() if no call of fs opened the
 * descriptor there, and leaves it open if the thread ends first: there this thread stays the owner and closes it.
 */
export function fileStream<Made>(fd: number, make: (options: { fd: number; fs?: typeof fs }) => Made): Made {
  if (isMainThread) return make({ fd })
  const stream = make({ fd, fs: Object.create(fs, { close: { value: closeOwned } }) })
  socket.adopt(fd)
  return stream
}

function closeOwned(fd: number, callback: (error: null) => void): void {
  socket.close(fd)
  nextTick(callback, null)
}

export function closeIfSame(fd: number, inode: number | undefined): void {
  if (socket.inodeOf(fd) !== inode) return
  try {
    socket.adopt(fd)
    socket.close(fd)
  } catch {
    // Another object owns it by now.
  }
}
