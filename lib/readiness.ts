/** The words of the array that the addon shares with lib/poller.ts: native/watcher.h has them too, and says what they mean. */
export const INSIDE = 0
export const ALIVE = 1
export const BUSY_POLL = 2
export const ROUNDS = 3
export const POLLED = 4
export const FIRST = 5
/** A descriptor and its events. */
export const PAIR_WORDS = 2

/** What POLLED says of the last busy poll; else after how many microseconds, and one, something was ready. */
export const NOT_POLLED = 0
export const NOTHING_CAME = -1
