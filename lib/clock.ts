import { clearTimeout, hrtime, setTimeout } from './globals.js'

/** Milliseconds on a clock that never goes back. Not performance.now(): its first call takes a start some milliseconds. */
export function now(): number {
  const time = hrtime()
  return time[0] * 1e3 + time[1] / 1e6
}

/** The longest time that one of Node's timers takes; any longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Calls `callback` after any number of milliseconds, `Infinity` included: then never, and nothing keeps the process
 * alive. Returns what cancels that.
 */
export function after(milliseconds: number, callback: () => void): () => void {
  if (milliseconds === Number.POSITIVE_INFINITY) return () => undefined
  const end = now() + milliseconds
  let timer: NodeJS.Timeout
  const wait = (left: number) => {
    timer = left > LONGEST_TIMER_MS ? setTimeout(again, LONGEST_TIMER_MS) : setTimeout(callback, left)
  }
  const again = () => wait(end - now())
  wait(milliseconds)
  return () => clearTimeout(timer)
}
