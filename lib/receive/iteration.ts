import { Promise } from '../core/globals.js'
import { rejected } from '../core/promises.js'
import { result } from './delivery.js'
import type { ReceiveQueue } from './receive-queue.js'
import type { Delivery } from './waiter.js'

/** Iterates over what a receiver gets, until the end. Leaving the iteration ends the steps that wait. */
export function iterate<V>(queue: ReceiveQueue, delivery: Delivery<IteratorResult<V>>): AsyncIterableIterator<V> {
  const { batch } = queue
  const plain = delivery === (result as unknown) && queue.settings.schema === undefined
  let left = false
  const iterator: AsyncIterableIterator<V> = {
    next: () => {
      if (left) return Promise.resolve({ done: true, value: undefined })
      try {
        // A message is here already, as in most steps of a fast stream: an end that holds one is usable.
        if (plain && batch.left > 0 && !queue.waiting) {
          return Promise.resolve({ done: false, value: batch.takeMessage() as V })
        }
        queue.end.assertUsable()
      } catch (error) {
        return rejected(error)
      }
      return queue.take(delivery, 'next', undefined, iterator)
    },
    return: () => {
      left = true
      queue.endSteps(iterator)
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}
