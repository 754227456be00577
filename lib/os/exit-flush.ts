import { now } from '../core/clock.js'
import { List, ListItem } from '../core/list.js'
import { ROOM_SLICE_MS } from './poller.js'
import * as socket from './syscalls.js'

/** How long the exit of the process may wait for pending messages, in milliseconds. */
const EXIT_FLUSH_MS = 1000

/** A queue whose messages must be handed over before the process ends. */
export abstract class Flushable extends ListItem<Flushable> {
  abstract pumpAll(): void
  /** Whether a send was tried, and the next can succeed only once there is room. */
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
 * Calls `callback` at the exit. All copies of this code share one listener: a module registry that is reset makes many
 * copies, and Node warns of more than ten listeners.
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

/** Makes the exit of the process wait for what this queue holds, for at most a second in all. */
export function notePending(queue: Flushable): void {
  if (queue.list === null) pending.push(queue)
}

export function forgetPending(queue: Flushable): void {
  pending.remove(queue)
}

/** Flushes if the process is ending: nothing will be called later. */
export function flushIfExiting(): void {
  if (deadline !== undefined) flush()
}

/** Flushes all queues together, so that a channel without a reader does not hold up the others. */
function flush(): void {
  for (;;) {
    for (const queue of pending) attempt(() => queue.pumpAll())
    const left = (deadline as number) - now()
    if (pending.size === 0 || left <= 0) return
    const waitsFor = [...pending].flatMap((queue) => queue.waitsFor())
    attempt(() => socket.wait(waitsFor, socket.POLLOUT, Math.min(left, ROOM_SLICE_MS)))
  }
}

/** When a blocking call last tried the queues that wait for room. */
let tried = 0

/**
 * Hands over what the thread's senders hold, as far as the kernel accepts it without waiting. Called before and during a
 * call that blocks the thread, as what that waits for may depend on it. Queues that wait for room are tried at most
 * every {@link ROOM_SLICE_MS}.
 *
 * @returns whether something is left: then call this again at that interval
 */
export function handOver(): boolean {
  if (pending.size === 0) return false
  const time = now()
  const again = time - tried >= ROOM_SLICE_MS
  if (again) tried = time
  for (const queue of pending) if (again || !queue.waitsForRoom) attempt(() => queue.pumpAll())
  return pending.size > 0
}

/** Ignores errors: each is reported to the caller of the failed send. */
function attempt(operation: () => void): void {
  try {
    operation()
  } catch {}
}
