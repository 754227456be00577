import type { Batch } from './batch.js'

/** What one attempt to read found: messages are in the batch, nothing is there now, or never will be. */
export const READ = 1
export const EMPTY = 0
export const END = -1
export type Found = typeof READ | typeof EMPTY | typeof END

/** Empty packets and the like that one attempt passes over before others get a turn. */
export const MAX_ATTEMPTS = 1024

/** Where a receiver's messages come from: packets, or a byte stream. */
export interface MessageReader {
  /**
   * Reads what is there into the empty batch. A failed system call is a failure in the batch.
   *
   * @param waits whether it may block the thread in the kernel until something is there; it need not
   */
  read(batch: Batch, waits?: boolean): Found
  /** The descriptor that has to be readable before another `read` can find more. */
  readonly waitsFor: number
  /** Whether it holds part of a message. */
  readonly holdsPart: boolean
  /** Drops what it holds; the channel's own descriptor is not its to close. */
  drop(): void
}
