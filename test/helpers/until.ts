/** How many turns of the event loop a condition gets: bounded by count, so that a broken program fails a test. */
const MOST_TURNS = 400_000

/** Resolves once `condition` holds, asked once each turn of the event loop; rejects when it never does. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    if (condition()) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error(`never happened: ${what}`)
}
