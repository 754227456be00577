import { Later } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { arrival, messageWithFds } from './delivery.js'
import { kQueue, type Queued } from './receiving-end.js'

/** Passes on this many messages before the code that they have set off runs. */
const TOGETHER = 64

/** The descriptors of a message that has none: not an array for each. Not to be given to user code. */
export const NO_FDS: readonly OwnedFd[] = Object.freeze([])

/**
 * Passes each message and its descriptors to `take`, those that are here in one turn: a message costs no promise. Rejects
 * with the first failure; called again, it continues with the next message.
 *
 * @param pause is asked before each message is read: a promise puts that off
 */
export async function readEach(
  receiver: Queued,
  take: (message: unknown, fds: readonly OwnedFd[]) => void,
  pause: () => Promise<unknown> | undefined = never
): Promise<never> {
  for (let together = 1; ; together++) {
    const pausing = pause()
    const queue = receiver[kQueue]
    if (pausing !== undefined) await pausing
    else if (queue.batch.left === 0 && !queue.hasNext()) await queue.wait(arrival)
    else {
      const { batch, settings } = queue
      if (settings.schema === undefined && batch.bare) take(batch.takeMessage(), NO_FDS)
      else {
        const taken = messageWithFds.take(batch, settings.schema)
        const [message, fds] = taken instanceof Later ? await taken.promise : taken
        take(message, fds)
      }
      if (together % TOGETHER === 0) await undefined
    }
  }
}

function never(): undefined {
  return undefined
}
