import type { Receiver } from './receiver.js'
import type { Sender } from './sender.js'

/**
 * An end of a channel, whatever its messages are: a sender of anything is one, and so is a receiver of anything.
 *
 * @example
 * import type { End } from 'wormhole-ipc/process'
 *
 * const mine: End[] = [sender, receiver]
 * for (const end of mine) end.close()
 */
export type End = Sender<never> | Receiver<unknown>
