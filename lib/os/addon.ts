import { readClockBy } from '../core/clock.js'
import { countTurnsBy } from '../core/loop-budget.js'
import { cannotLoad, loadAddon } from '../core/package-files.js'

/** The index of the first descriptor in the control array; native/environment.h describes what is before it. */
export const CONTROL_FIRST = 3

/** The addon's calls. Each returns what the system call returned, or a negative errno. */
export interface Native {
  attach(memory: Uint8Array, control: Int32Array): number
  discard(offset: number, length: number): number
  sendmsg(
    fd: number,
    offset: number,
    length: number,
    descriptors: number,
    addressOffset?: number,
    addressLength?: number
  ): number
  recvmsg(fd: number, offset: number, length: number, waits: boolean): number
  socketpair(type: number): number
  adopt(fd: number): number
  release(fd: number): number
  close(fd: number): number
  dup(fd: number): number
  getsockopt(fd: number, option: number): number
  setsockopt(fd: number, option: number, value: number): number
  peercred(fd: number): number
  unread(fd: number): number
  wait(events: number, milliseconds: number, descriptors: number): number
  socket(type: number): number
  bind(fd: number, offset: number, length: number): number
  listen(fd: number, backlog: number): number
  accept(fd: number): number
  connect(fd: number, offset: number, length: number): number
  sockname(fd: number, offset: number, length: number): number
  lock(fd: number): number
  setNonblocking(fd: number, on: boolean): number
  memfdCreate(flags: number): number
  addSeals(fd: number, seals: number): number
  getSeals(fd: number): number
  map(fd: number, length: number): Buffer | number
  onReady(callback: (count: number) => void, ready: Int32Array): number
  watch(fd: number, events: number): number
  watchExclusively(fd: number, milliseconds: number): number
  unwatch(fd: number): number
  keepAlive(alive: boolean): number
  loopCount(): number
  clock(): number
  /** Whether this is the thread that the process started with, which ends only with the process. */
  readonly isMainThread: boolean
  readonly constants: Readonly<
    Record<
      | 'AF_UNIX'
      | 'SOCK_STREAM'
      | 'SOCK_DGRAM'
      | 'SOCK_SEQPACKET'
      | 'SOCK_NONBLOCK'
      | 'SO_TYPE'
      | 'SO_DOMAIN'
      | 'SO_SNDBUF'
      | 'SO_SNDBUFFORCE'
      | 'SO_PASSCRED'
      | 'SO_ACCEPTCONN'
      | 'MSG_TRUNC'
      | 'MSG_CTRUNC'
      | 'POLLIN'
      | 'POLLOUT'
      | 'POLLHUP'
      | 'POLLRDHUP'
      | 'SCM_MAX_FD'
      | 'MFD_ALLOW_SEALING'
      | 'MFD_NOEXEC_SEAL'
      | 'F_SEAL_SEAL'
      | 'F_SEAL_SHRINK'
      | 'F_SEAL_GROW'
      | 'F_SEAL_WRITE'
      | 'F_SEAL_FUTURE_WRITE',
      number
    >
  >
}

function load(): Native {
  try {
    return loadAddon() as Native
  } catch (cause) {
    throw cannotLoad(
      `wormhole-ipc has no addon that loads on this system (${process.arch}): build one, see "Other systems" in README.md`,
      cause
    )
  }
}

export const native: Native = load()
countTurnsBy(native.loopCount)
readClockBy(native.clock)

/** Not from `node:worker_threads`, as loading that would add some milliseconds to a program's start. */
export const { isMainThread } = native

/** The words of the array that the addon shares with lib/os/poller.ts; native/poller.h has them too, with their meanings. */
export const INSIDE = 0
export const ALIVE = 1
export const BUSY_POLL = 2
export const ROUNDS = 3
export const POLLED = 4
export const FORGOTTEN = 5
export const WAITED = 6
export const TURN = 7
export const IN_VAIN = 8
export const SLEPT = 9
export const EXCLUSIVE = 10
export const WANTED = 11
export const FIRST = 12
/** The words of a descriptor and its events. */
export const PAIR_WORDS = 2

/** The value of POLLED without a busy poll; with one, its microseconds plus one, negative if nothing came. */
export const NOT_POLLED = 0
