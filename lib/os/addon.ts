import { cannotLoad, loadAddon } from '../core/package-files.js'

/** Where the descriptors begin in the control array: what stands before them native/environment.h says. */
export const CONTROL_FIRST = 3

/** The addon's calls. Each answers with what the system call returned, or a negative errno. */
export interface Native {
  attach(memory: Uint8Array, control: Int32Array): number
  discard(offset: number, length: number): number
  sendmsg(fd: number, offset: number, length: number, descriptors: number): number
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
  onReady(callback: (count: number) => void, ready: Int32Array): number
  watch(fd: number, events: number): number
  unwatch(fd: number): number
  keepAlive(alive: boolean): number
  /** Whether this is the thread that the process started with, which nobody can terminate but with the process. */
  readonly isMainThread: boolean
  readonly constants: Readonly<
    Record<
      | 'AF_UNIX'
      | 'SOCK_STREAM'
      | 'SOCK_DGRAM'
      | 'SOCK_SEQPACKET'
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
      | 'SCM_MAX_FD',
      number
    >
  >
}

function load(): Native {
  try {
    return loadAddon() as Native
  } catch (cause) {
    throw cannotLoad(
      `wormhole-ipc has no addon that loads on this system (${process.arch}); README.md, "Other systems", says how to build one`,
      cause
    )
  }
}

export const native: Native = load()

/** As `node:worker_threads` has it, whose loading takes a program's start some milliseconds. */
export const { isMainThread } = native

/** The words of the array that the addon shares with lib/poller.ts: native/poller.h has them too, and says what they mean. */
export const INSIDE = 0
export const ALIVE = 1
export const BUSY_POLL = 2
export const ROUNDS = 3
export const POLLED = 4
export const FIRST = 5
/** A descriptor and its events. */
export const PAIR_WORDS = 2

/** What POLLED says where there was no busy poll; else the microseconds, and one, that it took: negative if nothing came. */
export const NOT_POLLED = 0
