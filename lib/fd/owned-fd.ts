import type { ReadStream, WriteStream } from 'node:fs'
import type { Server, ServerOpts, Socket, SocketConstructorOpts } from 'node:net'
import { notJson, type WormholeError } from '../core/errors.js'
import { Promise, setImmediate } from '../core/globals.js'
import { isPollable } from '../os/poller.js'
import * as socket from '../os/syscalls.js'
import { assertOpen, Descriptor, type DescriptorOwner, kDescriptor, kEndWaits, kMoveEnded } from './descriptor.js'
import { type FdKind, kindOf } from './kind.js'
import { duplicateOf } from './node-source.js'
import {
  closeIfSame,
  directions,
  endingAtHangup,
  fileStream,
  listen,
  READY_DEVICES,
  reopenPipe,
} from './node-streams.js'
import { type BytesOptions, readWhole } from './read-whole.js'
import { mapSealed, sealedCopy } from './sealed-bytes.js'

const fs = process.getBuiltinModule('node:fs')

/** Loaded when needed, as it would add two milliseconds to a program's start. */
const net = () => process.getBuiltinModule('node:net')
const tty = () => process.getBuiltinModule('node:tty')

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
  /** Whether the writing side stays open after the other side has ended its own; default false. */
  allowHalfOpen?: boolean
  /** Whether nothing is read before `resume()`; default false. */
  pauseOnConnect?: boolean
}

/**
 * A descriptor that this object owns: it is closed by `close()`, given away once, or closed with a process warning if
 * the object is garbage-collected first. It is close-on-exec.
 *
 * @example
 * const [{ id }, fds] = await receiver.recvWithFds()
 * using file = fds[0] // closed at the end of this block, whatever happens
 * console.log(id, file?.kind)
 */
export class OwnedFd implements DescriptorOwner, Disposable {
  static {
    // Errors and traces print it, and bundlers rename classes.
    Object.defineProperty(OwnedFd, 'name', { value: 'OwnedFd' })
  }

  readonly #descriptor: Descriptor

  /**
   * Adopts an open descriptor: this object owns it from now on, and makes it close-on-exec.
   *
   * @param owned internal: the addon owns it already, as it received or made it
   * @throws ERR_WORMHOLE_BAD_FD if it is not open or is owned already
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

  /**
   * Makes a file in memory (memfd_create(2)) that holds a copy of `bytes`, sealed for good: whoever gets it can read, map and
   * pass it on, and nobody can change it, make it longer or shorter. Its file offset is 0.
   *
   * @throws ERR_WORMHOLE_ARGUMENT if `bytes` is not a Uint8Array, ERR_WORMHOLE_SYSTEM if there is no descriptor or memory left
   *
   * @example
   * import { OwnedFd } from 'wormhole-ipc'
   *
   * const bytes = Buffer.alloc(1024 * 1024, 'x')
   * await sender.sendWithFds({ id: 1 }, [OwnedFd.fromBytes(bytes)]) // there: await fds[0].bytes(), or fds[0].map()
   */
  static fromBytes(bytes: Uint8Array): OwnedFd {
    return new OwnedFd(sealedCopy(bytes), true)
  }

  /**
   * Duplicates an open descriptor, close-on-exec: what is named stays the caller's, as with `sendWithFds`. Use
   * `new OwnedFd(number)` to adopt a number, and `dup()` to duplicate what is owned already.
   *
   * Node goes on reading a `net.Socket` that it reads. To take a connection over, make its server with
   * `pauseOnConnect: true` (or `pause()` a client before it connects), and `destroy()` the socket after this call: the
   * connection stays open here. To stop a `net.Server` from accepting, `close()` it.
   *
   * @throws ERR_WORMHOLE_BAD_FD if there is no open descriptor, or for a TLSSocket or a socket that connects;
   * ERR_WORMHOLE_PENDING if Node has read bytes of the socket that nobody has taken: they would be missing here;
   * ERR_WORMHOLE_ARGUMENT for an end of a channel, which has `clone()`; ERR_WORMHOLE_CLOSED;
   * ERR_WORMHOLE_SYSTEM (EMFILE: no descriptors left)
   *
   * @example
   * import { createServer } from 'node:net'
   * import { OwnedFd, sendmsg } from 'wormhole-ipc/socket'
   *
   * createServer({ pauseOnConnect: true }, async (socket) => {
   *   using connection = OwnedFd.from(socket)
   *   socket.destroy() // closes Node's own descriptor; the connection lives on
   *   await sendmsg(connection, Buffer.from('hello'))
   * }).listen(8080)
   */
  static from(source: number | { readonly fd: number } | Socket | Server): OwnedFd {
    return new OwnedFd(duplicateOf(source), true)
  }

  /**
   * Duplicates the descriptor, close-on-exec: both refer to the same open file, with one position and one set of flags
   * (dup(2)), and each is closed or moved by itself.
   *
   * @throws ERR_WORMHOLE_CLOSED, ERR_WORMHOLE_SYSTEM (EMFILE: no descriptors left)
   *
   * @example
   * await sender.sendWithFds({ id: 1 }, [owned.dup()]) // the duplicate is moved, `owned` stays here
   */
  dup(): OwnedFd {
    assertOpen(this.#descriptor, 'OwnedFd')
    return new OwnedFd(socket.duplicate(this.#descriptor.fd), true)
  }

  /** The descriptor's number while it is owned here; -1 afterwards. */
  get fd(): number {
    return this.#descriptor.fd
  }

  /** The kind of file that it refers to. @throws ERR_WORMHOLE_CLOSED */
  get kind(): FdKind {
    assertOpen(this.#descriptor, 'OwnedFd')
    return kindOf(fs.fstatSync(this.#descriptor.fd))
  }

  /**
   * Closes the descriptor. Does nothing if it is closed, detached or moved already.
   *
   * @example
   * for (const fd of (await receiver.recvWithFds())[1]) fd.close()
   */
  close(): void {
    this.#descriptor.close()
  }

  /**
   * Gives up the descriptor, still open, and returns its number, which the caller must close.
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
   * Throws ERR_WORMHOLE_UNSERIALIZABLE: an owner of a descriptor cannot be part of a message, only go along with it.
   *
   * @example
   * await sender.sendWithFds({ id: 1 }, [owned]) // not sender.send({ id: 1, owned })
   */
  toJSON(): never {
    throw notJson('OwnedFd')
  }

  /**
   * Closes the descriptor at the end of a `using` block.
   *
   * @example
   * using fd = (await receiver.recvWithFds())[1][0]
   */
  [Symbol.dispose](): void {
    this.close()
  }

  /**
   * Reads the whole of a file, in memory or elsewhere, from its beginning, leaving its offset alone; without blocking the event
   * loop, but for files in memory of up to 256 KiB. A longer one that is sealed, as by `fromBytes`, is mapped if possible
   * ({@link map}): its bytes are copied only where the Buffer is written. What others write meanwhile into a file that is not
   * sealed may be part of it or not. This object owns the descriptor as before, and may close or move it during the call.
   *
   * @param options `maxBytes` is the most bytes that are read; default 1 GiB
   * @returns a promise of a Buffer of which nobody else sees what is written into it; it rejects with ERR_WORMHOLE_TOO_LARGE, before memory is taken, for
   * a longer file, ERR_WORMHOLE_BAD_FD if it is not a file or not open for reading, ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_SYSTEM,
   * ERR_WORMHOLE_CLOSED
   *
   * @example
   * const [, [file]] = await receiver.recvWithFds()
   * const bytes = await file?.bytes({ maxBytes: 16 * 1024 * 1024 })
   * console.log(bytes?.length)
   */
  async bytes(options?: BytesOptions): Promise<Buffer> {
    assertOpen(this.#descriptor, 'OwnedFd')
    return readWhole(this.fd, options)
  }

  /**
   * Maps the memory of a file that `fromBytes` made, or that is sealed against shrinking and writing (fcntl(2)): a Buffer of
   * the very pages that other processes have, whatever its length. What is written into it, nobody else sees. It outlives
   * this object's descriptor, and is unmapped once it is garbage-collected. Pages that the file never had cost memory once read.
   *
   * @throws ERR_WORMHOLE_BAD_FD if it is not sealed, not a file or not open for reading; ERR_WORMHOLE_TOO_LARGE if no Buffer or
   * no memory can hold it; ERR_WORMHOLE_UNSUPPORTED if the runtime allows no such Buffer (Electron); ERR_WORMHOLE_SYSTEM;
   * ERR_WORMHOLE_CLOSED
   *
   * @example
   * const [, [table]] = await receiver.recvWithFds()
   * const bytes = table?.map()
   * table?.close() // `bytes` stays
   * console.log(bytes?.readUInt32LE(0))
   */
  map(): Buffer {
    assertOpen(this.#descriptor, 'OwnedFd')
    return mapSealed(this.fd)
  }

  /**
   * Makes a Node.js socket of the connected stream socket (TCP or Unix) or pipe, which owns it from now on. Node sets
   * O_NONBLOCK on it, for all processes that share it, unless it is an unnamed pipe that /proc can open again.
   *
   * @param options Node's own: `allowHalfOpen`, and `pauseOnConnect`, which reads nothing until `resume()`
   * @throws ERR_WORMHOLE_BAD_FD if it is of another kind, ERR_WORMHOLE_CLOSED
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
   * Makes a Node.js server of the listening socket, which owns it from now on; resolves once it accepts. Attach its
   * `'connection'` listener before the next await. Node sets O_NONBLOCK on the socket, for all processes that share it.
   *
   * @param options Node's own for `net.createServer`: `allowHalfOpen`, `pauseOnConnect`
   * @returns rejects with ERR_WORMHOLE_BAD_FD if it is not listening, ERR_WORMHOLE_CLOSED, or the error of `listen`
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
    const inode = socket.inodeOf(this.fd)
    const fd = this.detach()
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error) => {
        // Node closes what its handle took over; what it refused we must close.
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
   * Makes a stream that reads the descriptor and closes it at the end. A terminal becomes a `tty.ReadStream`, which ends
   * once the terminal's other side is closed.
   *
   * @throws ERR_WORMHOLE_BAD_FD for a directory, a socket that is not a stream, and what could block a thread of Node's
   * pool until something comes (an eventfd, a timerfd, an input device, ...); ERR_WORMHOLE_CLOSED
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
   * Makes a stream that writes to the descriptor and closes it at the end. A terminal becomes a `tty.WriteStream`.
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

  /** Returns the descriptor, to be moved; not for users. @hidden */
  [kDescriptor](_action?: string): Descriptor {
    assertOpen(this.#descriptor, 'OwnedFd')
    return this.#descriptor
  }

  /** Ends raw waits before a move; not for users. @hidden */
  [kEndWaits](): void {
    socket.leave(this.fd)
  }

  /** Does nothing after a move; not for users. @hidden */
  [kMoveEnded](): void {}

  /** Hands the number over to a new owner; if that fails it is owned here as before. @internal */
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

  /** Throws if a stream of node:fs could wait in one of the four threads of libuv's pool: the process could not end before. */
  #requireNoWait(): void {
    const { kind } = this
    if (kind === 'directory') throw this.#unfit('is a directory, which cannot be read or written as bytes')
    if (kind !== 'other' && kind !== 'character-device') return
    if (READY_DEVICES.includes(fs.fstatSync(this.fd).rdev) || !isPollable(this.fd)) return
    throw this.#unfit(
      'could make a stream wait without end in a thread of the pool (an eventfd, timerfd, inotify, a device): detach() it, and use fs.readSync() or fs.writeSync() once it is ready, or in a process of its own'
    )
  }

  /** Makes Node's object for a pipe, with an open file description of its own if possible, as Node sets O_NONBLOCK. */
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
