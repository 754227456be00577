import { WormholeError } from './errors.js'
import { loadAddon } from './package-files.js'

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
      | 'SO_RCVBUF'
      | 'SO_ACCEPTCONN'
      | 'MSG_TRUNC'
      | 'MSG_CTRUNC'
      | 'POLLIN'
      | 'POLLOUT'
      | 'POLLERR'
      | 'POLLHUP'
      | 'POLLRDHUP'
      | 'POLLNVAL'
      | 'SCM_MAX_FD',
      number
    >
  >
}

function load(): Native {
  const obstacle = whyNot()
  if (obstacle !== undefined) throw new WormholeError('ERR_WORMHOLE_UNSUPPORTED', obstacle)
  try {
    return loadAddon() as Native
  } catch (cause) {
    if (cause instanceof WormholeError) throw cause
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      `wormhole-ipc has no addon that loads on this system (${process.arch}); README.md, "Other systems", says how to build one`,
      { cause }
    )
  }
}

/** Why no addon of ours can run in this process, in one sentence. */
function whyNot(): string | undefined {
  if (process.platform !== 'linux') {
    return `wormhole-ipc runs on Linux only (its channels are Linux socket pairs); this is ${process.platform}`
  }
  // Both load the addon, and then end the process: they lack some of the calls of Node-API and libuv that it makes.
  const { bun, deno } = process.versions
  if (bun === undefined && deno === undefined) return undefined
  return `wormhole-ipc runs on Node.js only (its addon watches descriptors with Node's event loop); this is ${bun === undefined ? `Deno ${deno}` : `Bun ${bun}`}`
}

export const native: Native = load()

/** As `node:worker_threads` has it, whose loading takes a program's start some milliseconds. */
export const { isMainThread } = native
