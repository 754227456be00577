import { Later } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { arrival, messageWithFds } from './delivery.js'
import { kQueue, type Queued } from './receiving-end.js'

/** Passes on this many messages before the code that they have set off runs. */
const TOGETHER = 64

/**
 * Passes each message and its descriptors to `take`, those that are here in one turn: a message costs no promise. Rejects
 * with the first failure; called again, it continues with the next message.
 *
 * @param pause is asked before each message is read: a promise puts that off
 */
export async function readEach(
  receiver: Queued,
  take: (message: unknown, fds: OwnedFd[]) => void,
  pause: () => Promise<unknown> | undefined = never
): Promise<never> {
  for (let together = 1; ; together++) {
    const pausing = pause()
    const queue = receiver[kQueue]
    if (pausing !== undefined) await pausing
    else if (queue.batch.left === 0 && !queue.hasNext()) await queue.wait(arrival)
    else {
      const taken = messageWithFds.take(queue.batch, queue.settings.schema)
      const [message, fds] = taken instanceof Later ? await taken.promise : taken
      take(message, fds)
      if (together % TOGETHER === 0) await undefined
    }
  }
}

function never(): undefined {
  return undefined
}
