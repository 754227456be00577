import { hrtime } from './globals.js'

/** Milliseconds on a clock that never goes back. Not performance.now(): its first call takes a start some milliseconds. */
export function now(): number {
  const time = hrtime()
  return time[0] * 1e3 + time[1] / 1e6
}
