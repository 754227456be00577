import { setImmediate, setTimeout } from 'node:timers/promises'

/** The condition is checked in this many turns of the event loop, */
const TURNS = 10_000
/** and then this many times after a pause: a bound, so that a broken program fails the test. */
const LOOKS = 100_000

/** Resolves once `condition` holds; rejects if it never does. The pauses leave the processor to what it waits for. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < TURNS + LOOKS; turn++) {
    if (condition()) return
    await (turn < TURNS ? setImmediate() : setTimeout(1))
  }
  throw new Error(`never happened: ${what}`)
}
