import { now } from './clock.js'
import { List, ListItem } from './list.js'
import { WAIT_SLICE_MS } from './poller.js'
import * as socket from './socket.js'

/** How long the end of the process may wait for messages that are still pending, in milliseconds. */
const EXIT_FLUSH_MS = 1000

/** Somebody who may hold what the end of the process must hand over. */
export abstract class Flushable extends ListItem<Flushable> {
  abstract pumpAll(): void
  abstract waitsFor(): number[]
}

const pending = new List<Flushable>()
let deadline: number | undefined

process.on('exit', () => {
  deadline = now() + EXIT_FLUSH_MS
  flush()
})

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
    attempt(() => socket.wait(waitsFor, socket.POLLOUT, Math.min(left, WAIT_SLICE_MS)))
  }
}

/** The process ends; nobody is left to tell of a failure. */
function attempt(operation: () => void): void {
  try {
    operation()
  } catch {}
}
