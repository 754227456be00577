import { now } from '../core/clock.js'
import { List, ListItem } from '../core/list.js'
import { ROOM_SLICE_MS } from './poller.js'
import * as socket from './syscalls.js'

/** How long the end of the process may wait for messages that are still pending, in milliseconds. */
const EXIT_FLUSH_MS = 1000

/** Somebody who may hold what the end of the process must hand over. */
export abstract class Flushable extends ListItem<Flushable> {
  abstract pumpAll(): void
  /** Whether it has been tried, and goes on only once there is room. */
  abstract readonly waitsForRoom: boolean
  abstract waitsFor(): number[]
}

const pending = new List<Flushable>()
let deadline: number | undefined

atExit(() => {
  deadline = now() + EXIT_FLUSH_MS
  flush()
})

/**
 * All copies of this code share one listener: a module registry that is reset makes many of them, and Node warns of more
 * than ten.
 */
function atExit(callback: () => void): void {
  const key = Symbol.for('wormhole-ipc.exit@1')
  const { [key]: known } = process as { [key]?: (() => void)[] }
  if (known !== undefined) {
    known.push(callback)
    return
  }
  const callbacks = [callback]
  Object.defineProperty(process, key, { value: callbacks })
  process.on('exit', () => {
    for (const each of callbacks) each()
  })
}

/** The end of the process first waits, at most a second in all, for what this one holds. */
export function notePending(queue: Flushable): void {
  if (queue.list === null) pending.push(queue)
}

export function forgetPending(queue: Flushable): void {
  pending.remove(queue)
}

/** For what is sent while the process ends: nothing will be called later. */
export function flushIfExiting(): void {
  if (deadline !== undefined) flush()
}

/** All together, so that a channel that nobody reads does not hold up the others. */
function flush(): void {
  for (;;) {
    for (const queue of pending) attempt(() => queue.pumpAll())
    const left = (deadline as number) - now()
    if (pending.size === 0 || left <= 0) return
    const waitsFor = [...pending].flatMap((queue) => queue.waitsFor())
    attempt(() => socket.wait(waitsFor, socket.POLLOUT, Math.min(left, ROOM_SLICE_MS)))
  }
}

/** When those that wait for room were last tried for a call that blocks. */
let tried = 0

/**
 * For a call that is about to block the thread, or looks up while it does: hands over what the thread's senders hold and
 * the kernel takes without waiting, since the call may wait for what somebody does only then. Those that wait for room are
 * tried every {@link ROOM_SLICE_MS}, however often this is called.
 *
 * @returns whether something is left: then the call is to look up that often
 */
export function handOver(): boolean {
  if (pending.size === 0) return false
  const time = now()
  const again = time - tried >= ROOM_SLICE_MS
  if (again) tried = time
  for (const queue of pending) if (again || !queue.waitsForRoom) attempt(() => queue.pumpAll())
  return pending.size > 0
}

/** What fails is told to whoever sent it. */
function attempt(operation: () => void): void {
  try {
    operation()
  } catch {}
}
