import { byName, type Ends, type EndsOf } from '../channel/named-ends.js'
import { WormholeError } from '../core/errors.js'
import { claim, TABLE_VARIABLE } from './inheritance.js'

// At import, not at the first call: from here on no grandchild can inherit the table or the descriptors.
let failure: unknown
const ends = attempt()

function attempt(): Ends | undefined {
  try {
    return claim()
  } catch (error) {
    failure = error
    return undefined
  }
}

/**
 * Returns the ends that this child was given by `fork` or `spawn` of this module, by name. Reading a name that was
 * not given throws; so does calling a method of the other kind of end. Each call returns the same ends.
 *
 * @throws ERR_WORMHOLE_NO_CHANNEL
 *
 * @example
 * import type { Receiver, Sender } from 'wormhole-ipc'
 * import { inherited } from 'wormhole-ipc/process'
 *
 * // In a file that parent and child import: `fork<Channels>(...)` checks the parent against it.
 * interface Channels {
 *   jobs: Receiver<number>
 *   results: Sender<number>
 * }
 *
 * const { jobs, results } = inherited<Channels>()
 * for await (const job of jobs) await results.send(job * 2)
 */
export function inherited<T extends EndsOf<T> = Ends>(): T {
  if (failure !== undefined) throw failure
  if (ends === undefined) {
    throw new WormholeError(
      'ERR_WORMHOLE_NO_CHANNEL',
      `this process was not started with channels: ${TABLE_VARIABLE} is not in its environment. Start it with fork() or spawn() of wormhole-ipc/process`
    )
  }
  return byName<T>(ends)
}
