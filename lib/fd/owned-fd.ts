import type { ReadStream, WriteStream } from 'node:fs'
import type { Server, ServerOpts, Socket, SocketConstructorOpts } from 'node:net'
import { notJson, type WormholeError } from '../core/errors.js'
import { Promise, setImmediate } from '../core/globals.js'
import { isPollable } from '../os/poller.js'
import * as socket from '../os/syscalls.js'
import { inodeOf } from '../os/syscalls.js'
import { assertOpen, Descriptor, type DescriptorOwner, kDescriptor, kLetGo, kMoveEnded } from './descriptor.js'
import {
  closeIfSame,
  directions,
  endingAtHangup,
  fileStream,
  listen,
  READY_DEVICES,
  reopenPipe,
} from './node-streams.js'

const fs = process.getBuiltinModule('node:fs')

/** Loaded where it is asked for: it would take a program's start two milliseconds. */
const net = () => process.getBuiltinModule('node:net')
const tty = () => process.getBuiltinModule('node:tty')

/**
 * What a descriptor refers to, as fstat(2) says.
 *
 * @example
 * import type { FdKind } from 'wormhole-ipc'
 *
 * const readable = new Set<FdKind>(['file', 'pipe', 'socket'])
 * console.log(readable.has(owned.kind))
 */
export type FdKind = 'file' | 'directory' | 'pipe' | 'socket' | 'character-device' | 'block-device' | 'other'

/**
 * Node's options for a socket that `toSocket()` makes.
 *
 * @example
 * import type { SocketOptions } from 'wormhole-ipc'
 *
 * const options: SocketOptions = { allowHalfOpen: true }
 * owned.toSocket(options)
 */
export interface SocketOptions {
  /** Whether the writing side stays open when the other side has ended its own; default false. */
  allowHalfOpen?: boolean
  /** Whether nothing is read before `resume()`; default false. */
  pauseOnConnect?: boolean
}

/**
 * A descriptor that this object owns: it is closed by `close()`, given away once, or, should the object be
 * garbage-collected before, closed with a process warning. Received ones are close-on-exec.
 *
 * @example
 * const [{ id }, fds] = await receiver.recvWithFds()
 * using file = fds[0] // closed at the end of this block, whatever happens
 * console.log(id, file?.kind)
 */
export class OwnedFd implements DescriptorOwner, Disposable {
  static {
    // Errors and traces say it, and bundlers rename classes.
    Object.defineProperty(OwnedFd, 'name', { value: 'OwnedFd' })
  }

  readonly #descriptor: Descriptor

  /**
   * Adopts an open descriptor: this object owns it from now on, and makes it close-on-exec.
   *
   * @param owned internal: the addon owns it already, as it received or made it
   * @throws ERR_WORMHOLE_BAD_FD when it is not open or is owned already
   *
   * @example
   * import { openSync } from 'node:fs'
   * import { OwnedFd } from 'wormhole-ipc'
   *
   * const file = new OwnedFd(openSync('package.json', 'r'))
   * await sender.sendWithFds({ id: 1 }, [file]) // moved: closed here, open there
   */
  constructor(fd: number, owned = false) {
    if (!owned) socket.adopt(fd)
    this.#descriptor = new Descriptor(fd)
    this.#descriptor.guard(this)
  }

  /** The number while it is owned here; -1 afterwards. */
  get fd(): number {
    return this.#descriptor.fd
  }

  /** What it refers to. @throws ERR_WORMHOLE_CLOSED */
  get kind(): FdKind {
    assertOpen(this.#descriptor, 'OwnedFd')
    const stats = fs.fstatSync(this.#descriptor.fd)
    if (stats.isFile()) return 'file'
    if (stats.isDirectory()) return 'directory'
    if (stats.isFIFO()) return 'pipe'
    if (stats.isSocket()) return 'socket'
    if (stats.isCharacterDevice()) return 'character-device'
    return stats.isBlockDevice() ? 'block-device' : 'other'
  }

  /**
   * Closes the descriptor. Nothing happens where it is closed, detached or moved already.
   *
   * @example
   * for (const fd of (await receiver.recvWithFds())[1]) fd.close()
   */
  close(): void {
    this.#descriptor.close()
  }

  /**
   * Gives up the descriptor, still open, and returns its number: closing it is the caller's from now on.
   *
   * @throws ERR_WORMHOLE_CLOSED
   *
   * @example
   * import { closeSync, fstatSync } from 'node:fs'
   *
   * const number = owned.detach()
   * console.log(fstatSync(number).size)
   * closeSync(number)
   */
  detach(): number {
    return this[kDescriptor]().release()
  }

  /**
   * Throws ERR_WORMHOLE_UNSERIALIZABLE: what owns a descriptor cannot be part of a message, only go along with it.
   *
   * @example
   * await sender.sendWithFds({ id: 1 }, [owned]) // not sender.send({ id: 1, owned })
   */
  toJSON(): never {
    throw notJson('OwnedFd')
  }

  /**
   * The same as `close()`, for `using`.
   *
   * @example
   * using fd = (await receiver.recvWithFds())[1][0]
   */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * The connected stream socket (TCP or Unix) or pipe as Node's own object, which owns it from now on. Node sets
   * O_NONBLOCK on it: on a pipe only here where /proc allows to open it again, on a socket for all who share it.
   *
   * @param options Node's own: `allowHalfOpen`, and `pauseOnConnect`, which reads nothing until `resume()`
   * @throws ERR_WORMHOLE_BAD_FD when it is of another kind, ERR_WORMHOLE_CLOSED
   *
   * @example
   * const [, [fd]] = await receiver.recvWithFds()
   * fd?.toSocket().end('hello\n')
   */
  toSocket(options: SocketOptions = {}): Socket {
    const { kind } = this
    if (kind === 'socket') {
      this.#requireStreamSocket()
      if (socket.option(this.fd, socket.SO_ACCEPTCONN) > 0) throw this.#unfit('is a listening socket: use toServer()')
    } else if (kind !== 'pipe') {
      throw this.#unfit(`is a ${kind}, not a socket`)
    }
    const { allowHalfOpen = false, pauseOnConnect = false } = options
    const shared = { allowHalfOpen, pauseOnCreate: pauseOnConnect }
    if (kind === 'socket') {
      return this.give(
        (fd) => new (net().Socket)({ fd, readable: true, writable: true, ...shared } as SocketConstructorOpts)
      )
    }
    return this.#pipe({ ...directions(this.fd), ...shared })
  }

  /**
   * The listening socket as Node's own server, which owns it from now on; resolves once it accepts. Attach its
   * `'connection'` listener before anything else is awaited. Node sets O_NONBLOCK on the socket, for all who share it.
   *
   * @param options Node's own for `net.createServer`: `allowHalfOpen`, `pauseOnConnect`
   * @returns rejects with ERR_WORMHOLE_BAD_FD when it is not listening, ERR_WORMHOLE_CLOSED, or what `listen` fails with
   *
   * @example
   * const [, [fd]] = await receiver.recvWithFds()
   * const server = await fd?.toServer()
   * server?.on('connection', (socket) => socket.end('hello\n'))
   */
  async toServer(options: ServerOpts = {}): Promise<Server> {
    if (this.kind !== 'socket') throw this.#unfit(`is a ${this.kind}, not a socket`)
    this.#requireStreamSocket()
    if (socket.option(this.fd, socket.SO_ACCEPTCONN) <= 0) throw this.#unfit('is not a listening socket')
    const server = net().createServer(options)
    const inode = inodeOf(this.fd)
    const fd = this.detach()
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error) => {
        // Node closes what its handle had taken; what it refused is still ours to close.
        setImmediate(() => closeIfSame(fd, inode))
        reject(error)
      }
      server.once('error', failed)
      server.once('listening', () => {
        server.removeListener('error', failed)
        resolve()
      })
      listen(server, fd)
    })
    return server
  }

  /**
   * A stream that reads it and closes it at the end. A terminal is read as one, and ends where its other side is closed.
   *
   * @throws ERR_WORMHOLE_BAD_FD for a directory, a socket that is not a stream, and what could occupy a thread of
   * Node's pool for as long as nothing comes (an eventfd, a timerfd, an input device, ...); ERR_WORMHOLE_CLOSED
   *
   * @example
   * let bytes = 0
   * for await (const chunk of owned.readStream()) bytes += chunk.length
   */
  readStream(): ReadStream | Socket {
    if (this.kind === 'socket') return this.toSocket()
    if (this.kind === 'pipe') return this.#pipe({ readable: true, writable: false })
    if (this.#isTerminal()) return this.give((fd) => endingAtHangup(new (tty().ReadStream)(fd)))
    this.#requireNoWait()
    return this.give((fd) => fileStream(fd, (options) => fs.createReadStream('', options)))
  }

  /**
   * A stream that writes it and closes it at the end. A terminal is written as one.
   *
   * @throws ERR_WORMHOLE_BAD_FD for what `readStream` refuses, ERR_WORMHOLE_CLOSED
   *
   * @example
   * import { pipeline } from 'node:stream/promises'
   *
   * await pipeline(process.stdin, owned.writeStream())
   */
  writeStream(): WriteStream | Socket {
    if (this.kind === 'socket') return this.toSocket()
    if (this.kind === 'pipe') return this.#pipe({ readable: false, writable: true })
    if (this.#isTerminal()) return this.give((fd) => new (tty().WriteStream)(fd))
    this.#requireNoWait()
    return this.give((fd) => fileStream(fd, (options) => fs.createWriteStream('', options)))
  }

  /** The descriptor, to be moved; nothing for callers. @hidden */
  [kDescriptor](_action?: string): Descriptor {
    assertOpen(this.#descriptor, 'OwnedFd')
    return this.#descriptor
  }

  /** For whoever moves it; nothing for callers. @hidden */
  [kLetGo](): void {
    socket.leave(this.fd)
  }

  /** For whoever moved it; nothing for callers. @hidden */
  [kMoveEnded](): void {}

  /** Hands the number to a new owner; if that fails it is owned here as before. @internal */
  give<Owner>(make: (fd: number) => Owner): Owner {
    const fd = this.detach()
    try {
      return make(fd)
    } catch (error) {
      socket.adopt(fd)
      this.#descriptor.fd = fd
      this.#descriptor.guard(this)
      throw error
    }
  }

  #requireStreamSocket(): void {
    if (socket.option(this.fd, socket.SO_TYPE) !== socket.SOCK_STREAM) throw this.#unfit('is not a stream socket')
  }

  #isTerminal(): boolean {
    return this.kind === 'character-device' && tty().isatty(this.fd)
  }

  /** The streams of node:fs wait in a thread of libuv's pool, which has four, and the process cannot end before them. */
  #requireNoWait(): void {
    const { kind } = this
    if (kind === 'directory') throw this.#unfit('is a directory, which cannot be read or written as bytes')
    if (kind !== 'other' && kind !== 'character-device') return
    if (READY_DEVICES.includes(fs.fstatSync(this.fd).rdev) || !isPollable(this.fd)) return
    throw this.#unfit(
      'could make a stream wait without end in a thread of the pool (an eventfd, timerfd, inotify, a device): detach() it, and read or write it with fs.readSync() or fs.writeSync() once it is ready, or in a process of its own'
    )
  }

  /** Node's object for a pipe, on a description of its own where that is possible, as Node sets O_NONBLOCK on it. */
  #pipe(options: SocketConstructorOpts): Socket {
    const reopened = reopenPipe(this.fd, options)
    if (reopened === undefined) return this.give((fd) => new (net().Socket)({ ...options, fd }))
    const stream = new (net().Socket)({ ...options, fd: reopened })
    this.close()
    return stream
  }

  #unfit(reason: string): WormholeError {
    return socket.badDescriptor(`descriptor ${this.fd} ${reason}`)
  }
}
