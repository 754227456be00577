import { describe } from '../core/describe.js'
import { systemError, WormholeError } from '../core/errors.js'
import { CONTROL_FIRST, native } from './addon.js'
import { control } from './control.js'

/** The addon's calls, with names and errors. Knows sockets and bytes in memory, not frames. */

/** Negative, as the addon returns them: of asm-generic/errno.h, as loading `node:os` for them would add to a program's start. */
export const ERRNO = {
  ENOENT: -2,
  EINTR: -4,
  EBADF: -9,
  EAGAIN: -11,
  ENOMEM: -12,
  EACCES: -13,
  EEXIST: -17,
  ENFILE: -23,
  EMFILE: -24,
  ESPIPE: -29,
  EPIPE: -32,
  EPROTO: -71,
  EMSGSIZE: -90,
  EPROTOTYPE: -91,
  EADDRINUSE: -98,
  ECONNABORTED: -103,
  ECONNRESET: -104,
  ENOBUFS: -105,
  ECONNREFUSED: -111,
} as const

export const { EAGAIN, EPIPE, ECONNRESET, ECONNREFUSED, EADDRINUSE, ENOENT, EPROTOTYPE } = ERRNO
export const { EMSGSIZE, EBADF, EACCES, ESPIPE, ENOMEM } = ERRNO
/** What accept(2) returns if there was no connection after all: another process took it, or it broke off. */
const NONE_THERE: readonly number[] = [ERRNO.EINTR, ERRNO.ECONNABORTED, ERRNO.EPROTO]
/** Errors of a process that is short of memory or descriptors: the same call may succeed later. */
const PASSING: readonly number[] = [ERRNO.EMFILE, ERRNO.ENFILE, ERRNO.ENOBUFS, ERRNO.ENOMEM]

export const {
  SOCK_STREAM,
  SOCK_SEQPACKET,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SO_SNDBUF,
  SO_TYPE,
  SO_DOMAIN,
  SO_ACCEPTCONN,
  POLLIN,
  POLLOUT,
  POLLHUP,
  SCM_MAX_FD,
} = native.constants
export const { AF_UNIX, SO_PASSCRED } = native.constants
const { MSG_CTRUNC, MSG_TRUNC, POLLRDHUP, SO_SNDBUFFORCE } = native.constants

const CONTROL_FLAGS = 0
const CONTROL_COUNT = 1
const CONTROL_BYTES_CAME = 2

/** Bytes of SO_SNDBUF that the kernel keeps for itself in each packet (measured; net/unix/af_unix.c). */
const PACKET_OVERHEAD = 32

export function socketpair(type: number): [number, number] {
  const result = native.socketpair(type)
  if (result < 0) throw systemError('socketpair', result, 'cannot make a socket pair')
  return [control[CONTROL_FIRST] as number, control[CONTROL_FIRST + 1] as number]
}

/** Sends without waiting; returns the bytes sent, or a negative errno. The descriptors go with the first byte. */
export function send(fd: number, at: number, length: number, fds: readonly number[] | null): number {
  if (fds === null) return native.sendmsg(fd, at, length, 0)
  for (let index = 0; index < fds.length; index++) control[CONTROL_FIRST + index] = fds[index] as number
  return native.sendmsg(fd, at, length, fds.length)
}

/** Sends without waiting to the address of {@link bind}; returns as {@link send}. */
export function sendTo(
  fd: number,
  at: number,
  length: number,
  fds: readonly number[] | null,
  address: number,
  addressLength: number
): number {
  for (const [index, number] of (fds ?? []).entries()) control[CONTROL_FIRST + index] = number
  return native.sendmsg(fd, at, length, fds?.length ?? 0, address, addressLength)
}

/** Makes a Unix socket that this thread owns; `type` may have SOCK_NONBLOCK. */
export function openSocket(type: number): number {
  const fd = native.socket(type)
  if (fd < 0) throw systemError('socket', fd, 'cannot make a socket')
  return fd
}

/** Gives a socket its address, whose `length` bytes of sun_path (unix(7)) are at `at`; returns 0 or a negative errno. */
export function bind(fd: number, at: number, length: number): number {
  return native.bind(fd, at, length)
}

export function listen(fd: number, backlog: number): number {
  return native.listen(fd, backlog)
}

/** Connects to the address of {@link bind}; returns 0 or a negative errno. Waits unless O_NONBLOCK is set. */
export function connect(fd: number, at: number, length: number): number {
  return native.connect(fd, at, length)
}

/** Writes the bytes of the socket's own address to `at`; returns how many, or a negative errno. */
export function addressOf(fd: number, at: number, room: number): number {
  return native.sockname(fd, at, room)
}

/** Takes the lock of an open file or folder (flock(2)), which ends with it; false if another process has it. */
export function tryLock(fd: number): boolean {
  return native.lock(fd) !== EAGAIN
}

/** Sets O_NONBLOCK, or clears it: only of a socket that nobody shares yet. */
export function setNonblocking(fd: number, on: boolean): void {
  const result = native.setNonblocking(fd, on)
  if (result < 0) throw systemError('ioctl', result, `cannot change descriptor ${fd}`)
}

/**
 * Takes the next connection; returns its descriptor, which this thread owns, or a negative errno. Blocks the thread only if
 * another process takes the connection between the look and the call, and then for a tenth of a millisecond.
 */
export function accept(fd: number): number {
  return poll([fd], POLLIN, 0) === 0 ? EAGAIN : acceptNow(fd)
}

/** As {@link accept}, of a socket with O_NONBLOCK, which needs no look. */
export function acceptNow(fd: number): number {
  const result = native.accept(fd)
  return NONE_THERE.includes(result) ? EAGAIN : result
}

/** The result of one recvmsg(2). */
export interface Received {
  /** Bytes, 0 for an empty packet or the end, or a negative errno. */
  length: number
  /** The received descriptors, which this thread owns; null if there were none. */
  fds: number[] | null
  /** Whether bytes of a packet were lost (MSG_TRUNC). */
  lostBytes: boolean
  /** Whether descriptors were lost (MSG_CTRUNC). */
  lostFds: boolean
}

const NOTHING: Received = { length: EAGAIN, fds: null, lostBytes: false, lostFds: false }
/** That of bytes alone, of which only the length differs from one to the next. */
const plain: Received = { length: 0, fds: null, lostBytes: false, lostFds: false }
const received: Received = { length: 0, fds: null, lostBytes: false, lostFds: false }

/**
 * Receives without waiting, unless `waits`: then EAGAIN means that O_NONBLOCK is set on the socket. The result is valid
 * until the next call.
 */
export function receive(fd: number, at: number, room: number, waits = false): Received {
  const length = native.recvmsg(fd, at, room, waits)
  const flags = control[CONTROL_FLAGS] as number
  if ((flags & (MSG_TRUNC | MSG_CTRUNC)) === 0 && control[CONTROL_COUNT] === 0) {
    plain.length = length
    return plain
  }
  received.length = length
  received.fds = control[CONTROL_COUNT] === 0 ? null : takeDescriptors()
  received.lostBytes = (flags & MSG_TRUNC) !== 0
  received.lostFds = (flags & MSG_CTRUNC) !== 0
  return received
}

/** Tells whether a call that failed with this negative errno may succeed later. */
export function passes(failed: number | undefined): boolean {
  return failed !== undefined && PASSING.includes(failed)
}

function takeDescriptors(): number[] {
  const fds: number[] = []
  for (let index = 0; index < (control[CONTROL_COUNT] as number); index++) {
    fds.push(control[CONTROL_FIRST + index] as number)
  }
  return fds
}

/**
 * Tells whether a `receive` of 0 bytes was the end of the channel. An empty packet reads as 0 bytes too, but then
 * the peer is still there (no POLLRDHUP), or bytes are queued after it.
 */
export function atEnd(fd: number): boolean {
  return (poll([fd], POLLRDHUP, 0) & POLLRDHUP) !== 0 && unread(fd) <= 0
}

/**
 * Receives, and tells whether that was the end. Once the peer of a SOCK_SEQPACKET socket is gone and no bytes are queued,
 * 0 may still be an empty packet: then this asks for the sender's credentials (SO_PASSCRED, unix(7)), which a packet brings
 * and the end does not. Other processes that share the socket and receive in that moment get them as well.
 */
export function receiveTelling(fd: number, at: number, room: number): Received & { end: boolean } {
  const type = option(fd, SO_TYPE)
  if (type !== SOCK_SEQPACKET) {
    const what = receive(fd, at, room)
    return { ...what, end: what.length === 0 && type === SOCK_STREAM && atEnd(fd) }
  }
  if (unread(fd) > 0) return { ...receive(fd, at, room), end: false }
  // Checked before the read: a peer that closes right after its empty packet was read would make that packet an end.
  const events = poll([fd], POLLIN | POLLRDHUP, 0)
  if (events === 0) return { ...NOTHING, end: false }
  const isShut = events > 0 && (events & POLLRDHUP) !== 0
  const asks = isShut && option(fd, SO_PASSCRED) === 0
  if (asks) native.setsockopt(fd, SO_PASSCRED, 1)
  const what = receive(fd, at, room)
  if (asks) native.setsockopt(fd, SO_PASSCRED, 0)
  const end = what.length === 0 && isShut && control[CONTROL_BYTES_CAME] === 0 && !what.lostBytes
  return { ...what, end }
}

/** Returns how many bytes are queued (FIONREAD, unix(7)), or a negative errno. */
export function unread(fd: number): number {
  return native.unread(fd)
}

/** Tells whether every holder of the other end has closed it, or does so within `milliseconds`. */
export function hungUp(fd: number, milliseconds = 0): boolean {
  return (poll([fd], 0, milliseconds) & POLLHUP) !== 0
}

/** Blocks this thread until one of `events` holds for one of the descriptors, or the time is over. */
export function wait(fds: readonly number[], events: number, milliseconds: number): void {
  const result = poll(fds, events, Math.min(Math.ceil(milliseconds), 0x7fffffff))
  if (result < 0) throw systemError('poll', result, `cannot wait for descriptor ${fds[0]}`)
}

/** Calls poll(2); returns the events that hold for the first descriptor, or a negative errno. */
function poll(fds: readonly number[], events: number, milliseconds: number): number {
  const count = Math.min(fds.length, SCM_MAX_FD)
  for (let index = 0; index < count; index++) control[CONTROL_FIRST + index] = fds[index] as number
  return native.wait(events, milliseconds, count)
}

/** Tells whether a value can be a descriptor's number. */
export function isNumber(fd: unknown): fd is number {
  return typeof fd === 'number' && Number.isInteger(fd) && fd >= 0 && fd <= 0x7fffffff
}

/** Called with each number that is about to be closed, given up, or owned by another object: raw waits on it end. */
let leaves: ((fd: number) => void) | undefined

export function onLeave(callback: (fd: number) => void): void {
  leaves = callback
}

/** Ends the raw waits on a descriptor that is about to go elsewhere. */
export function leave(fd: number): void {
  leaves?.(fd)
}

/** Takes ownership of an open descriptor and makes it close-on-exec. */
export function adopt(fd: number): void {
  if (!isNumber(fd)) throw badDescriptor(`${describe(fd)} is not a descriptor`)
  const result = native.adopt(fd)
  if (result === ERRNO.EEXIST) throw badDescriptor(`descriptor ${fd} is owned by another object of this library`)
  if (result === EBADF) throw badDescriptor(`descriptor ${fd} is not open`)
  if (result < 0) throw systemError('fcntl', result, `cannot adopt descriptor ${fd}`)
  leave(fd)
}

/** Makes a duplicate that this thread owns, close-on-exec (fcntl(2), F_DUPFD_CLOEXEC). */
export function duplicate(fd: number): number {
  const copy = isNumber(fd) ? native.dup(fd) : EBADF
  if (copy === EBADF) throw badDescriptor(`descriptor ${describe(fd)} is not open`)
  if (copy < 0) throw systemError('fcntl', copy, `cannot duplicate descriptor ${fd}`)
  return copy
}

export function close(fd: number): void {
  leave(fd)
  native.close(fd)
}

export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) close(fd)
}

export function release(fd: number): void {
  leave(fd)
  native.release(fd)
}

/** Returns an integer socket option, or a negative errno: -ENOTSOCK for what is not a socket. */
export function option(fd: number, name: number): number {
  return native.getsockopt(fd, name)
}

export function setSendBuffer(fd: number, bytes: number): void {
  native.setsockopt(fd, SO_SNDBUF, bytes)
}

/**
 * Asks for an SO_SNDBUF of `bytes`, past net.core.wmem_max if this process may (CAP_NET_ADMIN); returns what it is then.
 * The kernel doubles the value asked for (socket(7)).
 */
export function setCapacity(fd: number, bytes: number): number {
  const half = Math.ceil(bytes / 2)
  for (const name of [SO_SNDBUF, SO_SNDBUFFORCE]) {
    native.setsockopt(fd, name, half)
    if (option(fd, SO_SNDBUF) >= bytes) break
  }
  return option(fd, SO_SNDBUF)
}

/** The uid that the kernel records if there has never been a peer: (uid_t) -1, which no user has. */
export const NO_ID = 0xffffffff

/** Returns the peer's process, user and group ids as the kernel reports them (SO_PEERCRED, unix(7)), known or not. */
export function recordedPeer(fd: number): { pid: number; uid: number; gid: number } {
  const result = native.peercred(fd)
  if (result < 0) throw systemError('getsockopt', result, `cannot read the peer of descriptor ${fd}`)
  const [pid, uid, gid] = control.subarray(CONTROL_FIRST, CONTROL_FIRST + 3) as unknown as [number, number, number]
  return { pid, uid: uid >>> 0, gid: gid >>> 0 }
}

/** Returns the longest packet that the kernel accepts on this socket: SO_SNDBUF less its own overhead. */
export function longestPacket(fd: number): number {
  const buffer = option(fd, SO_SNDBUF)
  if (buffer < 0) throw systemError('getsockopt', buffer, `cannot read SO_SNDBUF of descriptor ${fd}`)
  return buffer - PACKET_OVERHEAD
}

/** Takes ownership of one end of a channel and returns its type. What is refused is left as it was. */
export function adoptChannel(fd: number): number {
  if (!isNumber(fd)) throw badDescriptor(`${describe(fd)} is not a descriptor`)
  const type = channelType(fd)
  adopt(fd)
  return type
}

/** Returns SOCK_SEQPACKET or SOCK_STREAM; throws for anything but a connected Unix socket of these types. */
export function channelType(fd: number): number {
  const type = option(fd, SO_TYPE)
  if (type < 0) throw badDescriptor(`descriptor ${fd} is not ${type === EBADF ? 'open' : 'a socket'}`)
  if (option(fd, SO_DOMAIN) !== AF_UNIX || (type !== SOCK_SEQPACKET && type !== SOCK_STREAM)) {
    throw badDescriptor(`descriptor ${fd} is not a Unix socket of type SOCK_SEQPACKET or SOCK_STREAM`)
  }
  if (option(fd, SO_ACCEPTCONN) > 0) throw badDescriptor(`descriptor ${fd} is a listening socket`)
  if (recordedPeer(fd).uid === NO_ID) throw badDescriptor(`descriptor ${fd} is a socket that is not connected`)
  return type
}

export function badDescriptor(message: string): WormholeError {
  return new WormholeError('ERR_WORMHOLE_BAD_FD', message)
}

const { fstatSync } = process.getBuiltinModule('node:fs')

/** Returns the inode of an open descriptor, or undefined; it shows whether a number still refers to the same file. */
export function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino
  } catch {
    return undefined
  }
}
