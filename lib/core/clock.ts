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

/**
 * Calls `look` some milliseconds after what this returns has been called, and again and again as long as it answers that
 * there is more to look after. It keeps no process alive. To be called at import: a timer keeps the async context of its
 * maker, and with it the stores of AsyncLocalStorage.
 */
export function recurring(milliseconds: number, look: () => boolean): () => void {
  const timer = setTimeout(() => {
    running = look()
    if (running) timer.refresh()
  }, milliseconds).unref()
  let running = true
  return () => {
    if (running) return
    running = true
    timer.refresh()
  }
}
