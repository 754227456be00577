import type { ReceiveQueue } from '../receive/receive-queue.js'

/** The queues of which a `select` or `merge` has told the end: an end goes to one call, as a message does. */
const told = new WeakSet<ReceiveQueue>()

/** Whether the receiver has ended, its messages are taken, and no call was told so. */
export function endsUntold(queue: ReceiveQueue): boolean {
  return queue.ended && queue.batch.left === 0 && !told.has(queue)
}

/** Returns what a call is told of an end, which no other call is told from now on. */
export function tellEnd(key: string, queue: ReceiveQueue): [key: string, message: undefined, ended: true] {
  told.add(queue)
  return [key, undefined, true]
}
