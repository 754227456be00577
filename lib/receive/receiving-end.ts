import type { WaitOptions } from '../core/options.js'
import type { ReceiveQueue } from './receive-queue.js'

/** The key of a receiving end's queue: `select` and `merge` take from any object that has one. */
export const kQueue: unique symbol = Symbol('wormhole.queue')

/** Has a queue; reading it throws if the end is closed, detached or moved. */
export interface Queued {
  readonly [kQueue]: ReceiveQueue
}

export function isQueued(value: unknown): value is Queued {
  return typeof value === 'object' && value !== null && kQueue in value
}

/**
 * A receiver as `select` and `merge` take it: the part of `Receiver` that they need.
 *
 * @example
 * import { type ReceivingEnd, select } from 'wormhole-ipc'
 *
 * const first = async (end: ReceivingEnd<number>) => (await select({ end }))[1]
 */
export interface ReceivingEnd<T> {
  /**
   * Receives the next message.
   *
   * @example
   * const { id } = await receiver.recv()
   */
  recv(options?: WaitOptions): Promise<T>
}
