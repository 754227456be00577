import { setImmediate, setTimeout } from 'node:timers/promises'

/** For so many turns of the event loop the condition is asked in each one. */
const TURNS = 10_000
/** And then after a pause, so many times: bounded by count, so that a broken program fails a test. */
const LOOKS = 100_000

/** Resolves once `condition` holds; rejects when it never does. What it waits for needs the processor more than it. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < TURNS + LOOKS; turn++) {
    if (condition()) return
    await (turn < TURNS ? setImmediate() : setTimeout(1))
  }
  throw new Error(`never happened: ${what}`)
}
