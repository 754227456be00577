import { attempt, unwatchNow, type Waiting, watch } from './poller.js'
import * as socket from './socket.js'
import { nextTurn, turnIsOver } from './turn.js'

/**
 * Waiting for room in a socket's send buffer. The kernel says POLLOUT only once three quarters of the buffer are free,
 * so whoever waits also looks by itself: what fits must not wait for a reader that waits for just that.
 */

/** Most milliseconds from look to look: of few, of many, and of a call that blocks its thread. */
const FEW_MS = 10
const MANY_MS = 15
export const ROOM_SLICE_MS = 10
/** A look takes half a microsecond: a thousand every 15 ms take 4 % of a core. */
const MOST_FEW = 250
/** Rounds after which SO_SNDBUF is read again: whoever shares the socket may have raised it. */
const ROUNDS_A_READ = 8

interface Blocked {
  waiting: Waiting
  /** What the send buffer holds. */
  capacity: number
}

/** Taken at import: a program's fake timers are not for us. */
const { setTimeout } = process.getBuiltinModule('node:timers')

/** Who waits for room, by descriptor. */
const blocked = new Map<number, Blocked>()
let rounds = 0
/** Whether a timer runs, or a round of looks that starts it again. */
let running = false
/**
 * Never cleared, only let run out: they serve the thread for good, and keep no process alive, which what is watched
 * does. Made here, as a timer keeps the asynchronous context of its maker.
 */
const quick = setTimeout(look, FEW_MS).unref()
const slow = setTimeout(look, MANY_MS).unref()

/**
 * Calls `waiting.onReady()` when `fd`, a Unix socket, may take more: at POLLOUT, and within 20 ms of there being room for
 * anything, whoever made it. Again and again until {@link unwatchRoom}; `onReady` tries, and may find no room.
 *
 * @param keepsAlive whether the wait keeps the process alive
 */
export function watchRoom(fd: number, waiting: Waiting, keepsAlive: boolean): void {
  watch(fd, socket.POLLOUT, waiting, keepsAlive)
  const known = blocked.get(fd)
  if (known === undefined) blocked.set(fd, { waiting, capacity: socket.option(fd, socket.SO_SNDBUF) })
  else known.waiting = waiting
  if (!running) start()
}

/** Nobody waits for room any longer, nor for anything else of `fd`; also where nobody did. */
export function unwatchRoom(fd: number): void {
  leaveRoom(fd)
  unwatchNow(fd)
}

/** Nobody waits for room any longer; it may be watched for something else. */
export function leaveRoom(fd: number): void {
  blocked.delete(fd)
}

function start(): void {
  running = true
  const timer = blocked.size > MOST_FEW ? slow : quick
  timer.refresh()
}

function look(): void {
  running = blocked.size > 0
  if (running) void lookAtAll()
}

async function lookAtAll(): Promise<void> {
  const readsAgain = ++rounds % ROUNDS_A_READ === 0
  for (const [fd, each] of [...blocked]) {
    if (blocked.get(fd) !== each) continue
    if (readsAgain) each.capacity = socket.option(fd, socket.SO_SNDBUF)
    // An error of either is found, and told, by the attempt.
    if (socket.unsent(fd) >= each.capacity && each.capacity >= 0) continue
    attempt(fd, each.waiting)
    if (turnIsOver()) await nextTurn()
  }
  if (blocked.size > 0) start()
  else running = false
}
