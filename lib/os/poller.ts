import { systemError } from '../core/errors.js'
import {
  ALIVE,
  BUSY_POLL,
  EXCLUSIVE,
  FIRST,
  FORGOTTEN,
  IN_VAIN,
  INSIDE,
  native,
  PAIR_WORDS,
  POLLED,
  ROUNDS,
  SLEPT,
  TURN,
  WAITED,
  WANTED,
} from './addon.js'
import { BusyPoll, MAX_US } from './busy-poll.js'
import { ExclusivePolicy, QUIET_MS } from './exclusive.js'

/** How many milliseconds a blocking wait lasts before JavaScript runs: a worker that is terminated ends then. */
export const WAIT_SLICE_MS = 100
/** How many if it waits for room in a send buffer, which the kernel reports only once three quarters of it are free. */
export const ROOM_SLICE_MS = 10

/** An object that waits for a descriptor. */
export interface Waiting {
  onReady(): void
  /** Rejects all that wait here, after an unexpected error. Must not throw. */
  onFailure(error: unknown): void
}

/** A registration in the kernel, which outlives the waits for it. */
interface Watch {
  /** Who waits; null between two waits. */
  waiting: Waiting | null
  keepsAlive: boolean
  events: number
  /** The addon's count of registrations that have ended: while it is the same, this one has not. */
  forgotten: number
}

const PAIRS = 128
/** How many wake-ups in a row may come from polling before the event loop does its other work. */
const MAX_ROUNDS = 8
const ready = new Int32Array(new SharedArrayBuffer((FIRST + PAIR_WORDS * PAIRS) * Int32Array.BYTES_PER_ELEMENT))
const watches = new Map<number, Watch>()
let started = false
let startError = 0
const busyPoll = new BusyPoll()
const exclusive = new ExclusivePolicy()

/**
 * Calls `waiting.onReady()` once `fd` is ready for `events` (POLLIN or POLLOUT), and again in each iteration of the event
 * loop until {@link unwatch}; for POLLOUT also within 20 ms of any room in the buffer, which may be too little. References
 * `waiting` only while it is watched; keeps the process alive only if `keepsAlive` says so.
 */
export function watch(fd: number, events: number, waiting: Waiting, keepsAlive: boolean): void {
  if (!started) start()
  if (!started) throw systemError('epoll_create1', startError, 'cannot watch descriptors')
  let known = watches.get(fd)
  if (known === undefined) {
    known = { waiting, keepsAlive: false, events: NEVER, forgotten: 0 }
    watches.set(fd, known)
  }
  known.waiting = waiting
  if (fd === ready[EXCLUSIVE]) ready[WANTED] = 1
  if (known.keepsAlive !== keepsAlive) {
    known.keepsAlive = keepsAlive
    const change = keepsAlive ? 1 : -1
    if (ready[INSIDE] === 0) count(change)
    else ready[ALIVE] = (ready[ALIVE] as number) + change
  }
  if (known.events === events && known.forgotten === ready[FORGOTTEN]) return
  const result = native.watch(fd, events)
  if (result < 0) {
    drop(fd, known)
    throw systemError('epoll_ctl', result, `cannot watch descriptor ${fd}`)
  }
  known.events = events
  known.forgotten = ready[FORGOTTEN] as number
}

/** The events of a registration that has not been made. */
const NEVER = -1

function drop(fd: number, known: Watch): void {
  watches.delete(fd)
  known.waiting = null
  if (known.keepsAlive) count(-1)
}

/**
 * Ends the wait for `fd`. The kernel's registration is removed only when the descriptor becomes ready next:
 * a receiver that waits again before the next packet costs no system call.
 */
export function unwatch(fd: number): void {
  const known = watches.get(fd)
  if (known === undefined) return
  known.waiting = null
  if (fd === ready[EXCLUSIVE]) wantsNoLonger(fd)
  if (!known.keepsAlive) return
  known.keepsAlive = false
  if (ready[INSIDE] === 0) count(-1)
  else ready[ALIVE] = (ready[ALIVE] as number) - 1
}

/** Leaves the packets of an exclusive watch to those that wait: while ready channels are served, the addon sees to that. */
function wantsNoLonger(fd: number): void {
  ready[WANTED] = 0
  if (ready[INSIDE] === 0) native.watchExclusively(fd, 0)
}

/** Ends the wait and removes the registration immediately: for POLLOUT, which holds nearly always. */
export function unwatchNow(fd: number): void {
  const known = watches.get(fd)
  if (known !== undefined) drop(fd, known)
  native.unwatch(fd)
}

/** Keeps the event loop alive, or no longer, for a wait on several descriptors together. */
export function holdLoop(hold: boolean): void {
  count(hold ? 1 : -1)
}

/** While ready channels are served, the addon reads `ready` afterwards: a wait after a wait costs no call. */
function count(change: 1 | -1): void {
  const alive = (ready[ALIVE] as number) + change
  ready[ALIVE] = alive
  if (ready[INSIDE] === 0 && alive === (change === 1 ? 1 : 0)) native.keepAlive(change === 1)
}

/** Opens this thread's epoll instance early, while a descriptor is to spare. A failure shows at the first wait. */
export function startPolling(): void {
  if (!started) start()
}

function start(): void {
  ready[ROUNDS] = MAX_ROUNDS
  ready[TURN] = MAX_US
  startError = native.onReady(onReady, ready)
  started = startError >= 0
}

/** Notifies those that wait: if one fails, the others are still served, and it is not called again. */
function onReady(pairs: number): void {
  ready[BUSY_POLL] = busyPoll.next(ready[POLLED] as number, ready[WAITED] as number)
  if (ready[SLEPT] !== exclusive.slept || (ready[EXCLUSIVE] as number) >= 0) watchExclusively()
  for (let index = 0; index < pairs; index++) {
    const fd = ready[FIRST + PAIR_WORDS * index] as number
    const waiting = watches.get(fd)?.waiting ?? null
    if (waiting === null) {
      unwatchNow(fd)
      continue
    }
    try {
      waiting.onReady()
    } catch (error) {
      unwatchNow(fd)
      waiting.onFailure(error)
    }
  }
}

/** Begins an exclusive watch of the descriptor that is ready, or ends one. Where the kernel refuses, nothing changes. */
function watchExclusively(): void {
  const fd = ready[EXCLUSIVE] as number
  const begins = exclusive.begins(ready[SLEPT] as number, ready[IN_VAIN] as number)
  if (fd < 0 && begins) native.watchExclusively(ready[FIRST] as number, QUIET_MS)
  if (fd >= 0 && exclusive.ends()) native.watchExclusively(fd, 0)
}

/** Tells whether epoll accepts a descriptor: its reads may wait. Files, and devices that never wait, are refused (EPERM). */
export function isPollable(fd: number): boolean {
  if (!started) start()
  if (!started) throw systemError('epoll_create1', startError, 'cannot watch descriptors')
  if ((watches.get(fd)?.waiting ?? null) !== null) return true
  const result = native.watch(fd, 0)
  native.unwatch(fd)
  return result >= 0
}
