import type { Receiver } from './receiver.js'
import type { Sender } from './sender.js'

/**
 * An end of a channel: a `Sender` or a `Receiver`, of messages of any type.
 *
 * @example
 * import type { End } from 'wormhole-ipc/process'
 *
 * const mine: End[] = [sender, receiver]
 * for (const end of mine) end.close()
 */
export type End = Sender<never> | Receiver<unknown>
