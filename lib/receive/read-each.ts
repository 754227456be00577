import { Later } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { messageWithFds, wholeBatch } from './delivery.js'
import { kQueue, type Queued } from './receiving-end.js'

/**
 * Passes each message and its descriptors to `take`, all of a packet in one turn: a message costs no promise. Rejects with
 * the first failure; called again, it goes on with the next message.
 *
 * @param pause is asked before each message: a promise puts it off
 */
export async function readEach(
  receiver: Queued,
  take: (message: unknown, fds: OwnedFd[]) => void,
  pause: () => Promise<unknown> | undefined = never
): Promise<never> {
  for (;;) {
    let pausing = pause()
    if (pausing === undefined) {
      const queue = receiver[kQueue]
      const { schema } = queue.settings
      const batch = await queue.take(wholeBatch, 'recvWithFds')
      // Other code may have taken from the batch or closed the receiver since: then nothing is left.
      while (batch.left > 0 && pausing === undefined) {
        const taken = messageWithFds.take(batch, schema)
        const [message, fds] = taken instanceof Later ? await taken.promise : taken
        take(message, fds)
        pausing = pause()
      }
    }
    if (pausing !== undefined) await pausing
  }
}

function never(): undefined {
  return undefined
}
