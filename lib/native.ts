import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { WormholeError } from './errors.js'

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
  readonly constants: Readonly<
    Record<
      | 'AF_UNIX'
      | 'SOCK_STREAM'
      | 'SOCK_DGRAM'
      | 'SOCK_SEQPACKET'
      | 'SO_TYPE'
      | 'SO_DOMAIN'
      | 'SO_SNDBUF'
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
  if (process.platform !== 'linux') {
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      `wormhole-ipc runs on Linux only (its channels are Linux socket pairs); this is ${process.platform}`
    )
  }
  const packageRoot = fileURLToPath(new URL('..', import.meta.url))
  const require = createRequire(import.meta.url)
  try {
    return (require('node-gyp-build') as (root: string) => Native)(packageRoot)
  } catch (cause) {
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      'wormhole-ipc has no addon for this platform; build it with `npm rebuild wormhole-ipc` (this needs gcc, make and python3)',
      { cause }
    )
  }
}

export const native: Native = load()
