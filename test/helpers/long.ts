/** Whether this is the long form (`npm run test:long`). */
export const LONG = process.env.WORMHOLE_LONG !== undefined

/** How often or how much: `npm test` is content with `few`, the long form takes `many`. */
export function sized(few: number, many: number): number {
  return LONG ? many : few
}

/** What all machine-made inputs follow from: the same seed makes the same inputs. */
export const SEED = Number(process.env.WORMHOLE_SEED ?? 1776)

/** Bounds a test that tries many inputs, in milliseconds. */
export const MOST_MS = LONG ? 30 * 60_000 : 120_000

let total = 0

/** Tells how many inputs a test has tried; in the long form their sum comes at the end. */
export function tried(inputs: number, what: string): void {
  if (total === 0 && LONG) {
    process.once('exit', () => console.log(`${total.toLocaleString('en')} inputs tried in all, of seed ${SEED}`))
  }
  total += inputs
  console.log(`    tried ${inputs.toLocaleString('en')} ${what}`)
}
