import type { Batch } from './batch.js'

/** What one attempt to read found: messages, which are in the batch; nothing yet; or the end. */
export const READ = 1
export const EMPTY = 0
export const END = -1
export type Found = typeof READ | typeof EMPTY | typeof END

/** One attempt skips at most this many empty packets and the like, so that other work gets to run. */
export const MAX_ATTEMPTS = 1024

/** Reads a receiver's messages, from packets or a byte stream. */
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
  /** Drops what it holds; does not close the channel's own descriptor. */
  drop(): void
}

/** A reader without a descriptor: it tells by itself when there may be something to read. */
export interface Feed extends MessageReader {
  /** Where what is read goes. */
  readonly batch: Batch
  /** Calls `onReady` of the queue, never before this returns, when a read may find something; until `unwatch`. */
  watch(queue: { onReady(): void }): void
  unwatch(): void
  /** Called by a loop: it is done with its earlier messages. */
  settle(loop: object): void
  /** Called by a loop that is left: its last message comes again. */
  leave(loop: object): void
  /** Says which loop takes next; null: a call that takes for good. */
  takeFor(loop: object | null): void
}
