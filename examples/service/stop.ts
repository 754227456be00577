/** What a terminal, systemd and container runtimes send to a process that shall end. */
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const

/** Calls `drain` at the first of these signals, and `stopNow` at the second, whichever it is. */
export function onStop(drain: () => void, stopNow: () => void): void {
  let next = () => {
    next = stopNow
    drain()
  }
  for (const signal of STOP_SIGNALS) process.on(signal, () => next())
}
