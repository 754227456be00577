import { openEnds } from '../channel/open-ends.js'
import { hrtime } from '../core/globals.js'
import type { EndpointStats } from '../core/telemetry.js'

const { threadId } = process.getBuiltinModule('node:worker_threads')

/** One open end, as a program reports it. */
export interface EndReport extends EndpointStats {
  /** `'Sender'` or `'Receiver'`. */
  readonly name: string
  readonly fd: number
  /** The inode of its socket: ends with the same one are clones. */
  readonly inode: number
  /** The inode of the other end's socket; 0 if another program made the channel. */
  readonly peer: number
  /** For how many milliseconds it has been waiting for the other end; -1 if it does not wait. */
  readonly waiting: number
  /** The call that made it, a line per frame, the innermost first. */
  readonly madeAt: readonly string[]
}

/** What one thread of a program reports. */
export interface Report {
  readonly pid: number
  /** 0 for the main thread. */
  readonly thread: number
  readonly title: string
  /** Milliseconds on the system's monotonic clock, which all processes share. */
  readonly time: number
  readonly ends: readonly EndReport[]
}

/** Calls that a program answers. */
export interface Reports {
  report(): Report
}

/** Reports this thread's open ends, but for those that are `hidden`. */
export function report(hidden: WeakSet<object>): Report {
  const ends = openEnds().filter(({ end }) => !hidden.has(end))
  const [seconds, nanoseconds] = hrtime()
  return {
    pid: process.pid,
    thread: threadId,
    title: process.argv.slice(1).join(' '),
    time: seconds * 1e3 + nanoseconds / 1e6,
    ends: ends.map(({ name, fd, inode, peer, waiting, madeAt, end }) => {
      return { ...end.stats(), name, fd, inode, peer, waiting, madeAt }
    }),
  }
}

const PREFIX = '@wormhole-ipc/top/'
const NAME = new RegExp(`${PREFIX}\\d+(?:\\.\\d+)?$`, 'gm')

/** Returns the name at which a thread of a process answers; of other threads than the main one with a suffix. */
export function nameOf(pid: number, thread: number): string {
  return `${PREFIX}${pid}${thread === 0 ? '' : `.${thread}`}`
}

/** Returns the names of all threads that answer, as /proc/net/unix (proc(5)) lists them. */
export function namesIn(text: string): string[] {
  // Its connections have the listening socket's name, too.
  return [...new Set([...text.matchAll(NAME)].map(([name]) => name))]
}
