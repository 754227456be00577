import type { WaitOptions } from '../core/options.js'
import type { ReceiveQueue } from './receive-queue.js'

/** Where something that receives has its queue: `select` and `merge` take from whatever has one. */
export const kQueue: unique symbol = Symbol('wormhole.queue')

/** Has a queue; reading it throws if it is of no use any more. */
export interface Queued {
  readonly [kQueue]: ReceiveQueue
}

export function isQueued(value: unknown): value is Queued {
  return typeof value === 'object' && value !== null && kQueue in value
}

/**
 * What `select` and `merge` take messages of: a receiver, by what they need of it.
 *
 * @example
 * import { type ReceivingEnd, select } from 'wormhole-ipc'
 *
 * const first = async (end: ReceivingEnd<number>) => (await select({ end }))[1]
 */
export interface ReceivingEnd<T> {
  /**
   * Resolves to the next message.
   *
   * @example
   * const message = await receiver.recv()
   */
  recv(options?: WaitOptions): Promise<T>
}
