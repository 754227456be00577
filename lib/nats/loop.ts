import { iterate } from '../receive/iteration.js'
import type { Feed } from '../receive/reader.js'
import type { ReceiveQueue } from '../receive/receive-queue.js'
import type { Delivery } from '../receive/waiter.js'

/** Returns the delivery, which takes for `loop`. */
function takingFor<V>(feed: Feed, loop: object, { take, end }: Delivery<V>): Delivery<V> {
  return {
    take: (batch, schema) => {
      feed.takeFor(loop)
      try {
        return take(batch, schema)
      } finally {
        feed.takeFor(null)
      }
    },
    end,
  }
}

/**
 * Iterates as `iterate` does. What a step brought is acknowledged when the next is asked for; it comes again if the loop is
 * left before.
 */
export function loopOver<V>(
  queue: ReceiveQueue,
  feed: Feed,
  delivery: Delivery<IteratorResult<V>>
): AsyncIterableIterator<V> {
  const loop = {}
  const steps = iterate(queue, takingFor(feed, loop, delivery))
  const iterator: AsyncIterableIterator<V> = {
    next: () => {
      feed.settle(loop)
      const step = steps.next()
      // The error is the whole of what a loop gets of a bad message.
      step.catch(() => feed.settle(loop))
      return step
    },
    return: () => {
      feed.leave(loop)
      return steps.return?.() as Promise<IteratorResult<V>>
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}
