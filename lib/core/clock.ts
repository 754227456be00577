import { clearTimeout, hrtime, Promise, setImmediate, setTimeout } from './globals.js'

/** Milliseconds on a monotonic clock. Not performance.now(): its first call adds some milliseconds to a program's start. */
export function now(): number {
  return read()
}

let read = (): number => {
  const time = hrtime()
  return time[0] * 1e3 + time[1] / 1e6
}

/** Has the clock read by `clock`: the addon's call, as a program that is rarely woken pays for Node's JavaScript. */
export function readClockBy(clock: () => number): void {
  read = clock
}

/** The longest delay of one of Node's timers; a longer one fires immediately. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * Calls `callback` after any number of milliseconds; with `Infinity` never, and then nothing keeps the process alive.
 * Returns a function that cancels it.
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

/** Resolves once `end` settles, or after some milliseconds and one poll: Node runs timers before it reads what has arrived. */
export function within(milliseconds: number, end: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = after(milliseconds, () => setImmediate(resolve))
    const done = () => {
      cancel()
      resolve()
    }
    end.then(done, done)
  })
}

/**
 * Returns a function that starts `look`, which then runs at this interval until it returns false. The timer keeps no process
 * alive. Call this at import: a timer keeps the async context that made it, with the stores of AsyncLocalStorage.
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
