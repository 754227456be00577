import { readdirSync, readFileSync } from 'node:fs'
import { until } from './until.js'

const O_NONBLOCK = 0o4000

/** Whether a descriptor's open file description blocks, for all processes that share it. */
export function isBlocking(fd: number, pid: number | 'self' = 'self'): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))
  if (flags === null) throw new Error(`no flags of descriptor ${fd} of process ${pid}`)
  return (Number.parseInt(flags[1] as string, 8) & O_NONBLOCK) === 0
}

/** Resolves once the main thread of a process sleeps in a system call. */
export function sleeps(pid: number): Promise<void> {
  return until(`process ${pid} sleeps`, () => /^State:\s*S/m.test(readFileSync(`/proc/${pid}/status`, 'latin1')))
}

/** Counts the threads of this process. */
export function threads(): number {
  return Number(/^Threads:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1])
}

/** Counts the open descriptors of this process, without the one that reads the list. */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length - 1
}

/** EPOLLEXCLUSIVE, as proc_pid_fdinfo(5) shows an entry's events. */
const EXCLUSIVE = /^tfd:.* events: *[1-9a-f][0-9a-f]{7} /m

/** Tells whether a process waits for a descriptor so that the kernel wakes only one of those that wait (epoll_ctl(2)). */
export function waitsExclusively(pid: number): boolean {
  return readdirSync(`/proc/${pid}/fdinfo`).some((fd) => EXCLUSIVE.test(infoOf(pid, fd)))
}

/** What the kernel tells about a descriptor; nothing if it has been closed. */
function infoOf(pid: number, fd: string): string {
  try {
    return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1')
  } catch {
    return ''
  }
}
