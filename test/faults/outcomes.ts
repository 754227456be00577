import type { WormholeErrorCode } from 'wormhole-ipc'
import type { Fault } from './injection.js'

/** What is injected. Besides what the kernel really answers there, what no program is ready for. */
export const ERRNOS = [
  'EINTR',
  'EAGAIN',
  'ENOBUFS',
  'ENOMEM',
  'EMFILE',
  'ETOOMANYREFS',
  'EPIPE',
  'ECONNRESET',
  'ENOSPC',
] as const

/** The codes of which a call that meets the fault has one; none where it goes on. */
export type Outcome = readonly WormholeErrorCode[]

const GOES_ON: Outcome = []
const SYSTEM: Outcome = ['ERR_WORMHOLE_SYSTEM']
const GONE = ['EPIPE', 'ECONNRESET']

/** What becomes of an endpoint's call. The error names the system call and the errno. */
export function outcomeOf({ syscall, errno }: Fault): Outcome {
  if (errno === 'EINTR') return GOES_ON
  if (syscall === 'sendmsg') {
    if (errno === 'EAGAIN') return GOES_ON
    return GONE.includes(errno) ? ['ERR_WORMHOLE_DISCONNECTED'] : SYSTEM
  }
  if (syscall === 'recvmsg' && (errno === 'EAGAIN' || errno === 'ECONNRESET')) return GOES_ON
  return SYSTEM
}

/** What a receiver takes for the end of a side stream, and so of its message. The kernel says it to no recvmsg(2). */
const ENDS_SIDE = ['EPIPE', 'ETOOMANYREFS', 'ENOSPC']

/** The same where a message goes over a stream of its own, whose reader may give up alone. */
export function outcomeOfLong(fault: Fault): Outcome | undefined {
  if (fault.syscall === 'recvmsg' && ENDS_SIDE.includes(fault.errno)) return undefined
  const outcome = outcomeOf(fault)
  return outcome.includes('ERR_WORMHOLE_DISCONNECTED') ? [...outcome, 'ERR_WORMHOLE_TRUNCATED'] : outcome
}

/** Raw sockets explain nothing: only what a wait can mend goes on. */
export function outcomeOfRaw({ syscall, errno }: Fault): Outcome {
  if (errno === 'EINTR') return GOES_ON
  return errno === 'EAGAIN' && syscall.endsWith('msg') ? GOES_ON : SYSTEM
}

/** libuv's own calls: Node's error, or none, and no WormholeError. */
export function outcomeOfStart(): Outcome {
  return GOES_ON
}
