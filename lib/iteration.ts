import type { ReceiveQueue } from './receive-queue.js'
import { rejected } from './rejected.js'
import { result } from './takings.js'
import type { Taking, Waiter } from './waiter.js'

/** Steps that may be kept in mind before those that have been served are forgotten. */
const FEW_WAITERS = 16

/** What a receiver gets, step by step until the end. Leaving it takes back the steps that wait. */
export function iterate<V>(queue: ReceiveQueue, taking: Taking<IteratorResult<V>>): AsyncIterableIterator<V> {
  const { batch } = queue
  const plain = taking === (result as unknown) && queue.settings.schema === undefined
  let waiters: Waiter[] = []
  let most = FEW_WAITERS
  let left = false
  const waits = (waiter: Waiter) => {
    if (waiters.length >= most) {
      waiters = waiters.filter(({ list }) => list !== null)
      // Seldom enough that many steps asked in advance cost no more each than few.
      most = Math.max(FEW_WAITERS, 2 * waiters.length)
    }
    waiters.push(waiter)
  }
  const iterator: AsyncIterableIterator<V> = {
    next: () => {
      if (left) return Promise.resolve({ done: true, value: undefined })
      try {
        // A message that is here already, as in most steps of a fast stream: what holds one is usable.
        if (plain && batch.left > 0 && !queue.waiting) {
          return Promise.resolve({ done: false, value: batch.takeMessage() as V })
        }
        queue.owner.assertUsable()
      } catch (error) {
        return rejected(error)
      }
      return queue.take(taking, 'next', undefined, waits)
    },
    return: () => {
      left = true
      for (const waiter of waiters) {
        if (waiter.list === null) continue
        queue.leave(waiter)
        waiter.end()
      }
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}
