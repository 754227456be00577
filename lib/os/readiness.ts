/** The words of the array that the addon shares with lib/poller.ts: native/watcher.h has them too, and says what they mean. */
export const INSIDE = 0
export const ALIVE = 1
export const BUSY_POLL = 2
export const ROUNDS = 3
export const POLLED = 4
export const FIRST = 5
/** A descriptor and its events. */
export const PAIR_WORDS = 2

/** What POLLED says where there was no busy poll; else the microseconds, and one, that it took: negative if nothing came. */
export const NOT_POLLED = 0
