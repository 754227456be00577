import { systemError } from '../core/errors.js'
import * as socket from './syscalls.js'

const { readFileSync } = process.getBuiltinModule('node:fs')

/** The id of every user and group that has none in this namespace, unless the administrator has set another. */
const OVERFLOW_ID = 65534

/** The map of the initial user namespace, in which each id has its own number (user_namespaces(7)). */
const WHOLE_MAP = /^\s*0\s+0\s+4294967295\s*$/

/** Returns the peer's ids, each the peer's own; throws if the kernel has only a substitute for one. */
export function knownPeer(fd: number): { pid: number; uid: number; gid: number } {
  const domain = socket.option(fd, socket.SO_DOMAIN)
  if (domain < 0) throw systemError('getsockopt', domain, `cannot read the peer of descriptor ${fd}`)
  if (domain !== socket.AF_UNIX) throw refused(fd, 'is not a Unix socket: the kernel records no peer for it')
  if (socket.option(fd, socket.SO_ACCEPTCONN) > 0) throw refused(fd, 'is a listening socket, which has no peer')
  const peer = socket.recordedPeer(fd)
  if (peer.uid === socket.NO_ID) {
    throw refused(fd, 'has no recorded peer: it is not connected, or is a datagram socket that is not from a pair')
  }
  if (peer.pid === 0) throw refused(fd, "has a peer whose process is not visible in this process's PID namespace")
  for (const kind of ['uid', 'gid'] as const) {
    if (peer[kind] === overflowId(kind) && !WHOLE_MAP.test(read(`/proc/self/${kind}_map`))) {
      throw refused(
        fd,
        `has a peer whose ${kind} is unknown: ${peer[kind]} stands for all that this user namespace does not map`
      )
    }
  }
  return peer
}

function overflowId(kind: 'uid' | 'gid'): number {
  const text = read(`/proc/sys/kernel/overflow${kind}`)
  return text === '' ? OVERFLOW_ID : Number(text)
}

/** Reads a file, empty if /proc is not mounted: then an id that could be unknown counts as unknown. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function refused(fd: number, reason: string) {
  return socket.badDescriptor(`descriptor ${fd} ${reason}`)
}
