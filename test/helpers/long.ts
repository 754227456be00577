/** Whether this is the long form (`npm run test:long`). */
export const LONG = process.env.WORMHOLE_LONG !== undefined

/** How often or how much: `npm test` is content with `few`, the long form takes `many`. */
export function sized(few: number, many: number): number {
  return LONG ? many : few
}

/** Which of many alike are tried: `npm test` is content with the first `few`, the long form takes all. */
export function chosen<T>(few: number, all: readonly T[]): readonly T[] {
  return LONG ? all : all.slice(0, few)
}

/** One of these in `npm test`, another at each `place`, so that all have their turn; the long form takes all. */
export function inTurn<T>(place: number, all: readonly T[]): readonly T[] {
  return LONG ? all : [all[place % all.length] as T]
}

/** What all machine-made inputs follow from: the same seed makes the same inputs. */
export const SEED = Number(process.env.WORMHOLE_SEED ?? 1776)

/** Bounds a test that tries many inputs, in milliseconds. */
export const MAX_MS = LONG ? 30 * 60_000 : 120_000

let total = 0

/** Tells how many inputs a test has tried; in the long form their sum comes at the end. */
export function tried(inputs: number, what: string): void {
  if (total === 0 && LONG) {
    process.once('exit', () => console.log(`${total.toLocaleString('en')} inputs tried in all, of seed ${SEED}`))
  }
  total += inputs
  console.log(`    tried ${inputs.toLocaleString('en')} ${what}`)
}
