import { setImmediate } from 'node:timers/promises'
import type { CallContext } from 'wormhole-ipc/pool'

/** Divisions between two looks at whether anybody still waits: some milliseconds. */
const LOOK_EVERY = 500_000

// The service ends its workers. A Ctrl-C or systemd tells every process of the group, too early for this one.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined)

/** The prime factors of a whole number from 2 to 2^53 - 1, smallest first: by trial division, which may take a second. */
export default async function factorise(number: number, { signal, progress }: CallContext): Promise<number[]> {
  // The service notes who has the request.
  progress(process.pid)
  const factors: number[] = []
  let rest = number
  // Past 2, odd divisors only.
  for (let divisor = 2, steps = 0; divisor * divisor <= rest; divisor += divisor === 2 ? 1 : 2) {
    if (steps++ % LOOK_EVERY === 0) {
      await setImmediate()
      signal.throwIfAborted()
    }
    while (rest % divisor === 0) {
      factors.push(divisor)
      rest /= divisor
    }
  }
  if (rest > 1) factors.push(rest)
  return factors
}
