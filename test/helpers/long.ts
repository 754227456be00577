/** Whether this is the long form (`npm run test:long`). */
export const LONG = process.env.WORMHOLE_LONG !== undefined

/** Returns how often or how much: `few` in `npm test`, `many` in the long form. */
export function sized(few: number, many: number): number {
  return LONG ? many : few
}

/** Returns the cases to try: the first `few` in `npm test`, all in the long form. */
export function chosen<T>(few: number, all: readonly T[]): readonly T[] {
  return LONG ? all : all.slice(0, few)
}

/** Returns one case in `npm test`, another for each `place`, so that each is tried somewhere; all in the long form. */
export function inTurn<T>(place: number, all: readonly T[]): readonly T[] {
  return LONG ? all : [all[place % all.length] as T]
}

/** The seed of all generated inputs: the same seed makes the same inputs. */
export const SEED = Number(process.env.WORMHOLE_SEED ?? 1776)

/** Bounds a test that tries many inputs, in milliseconds. */
export const MAX_MS = LONG ? 30 * 60_000 : 120_000

let total = 0

/** Prints how many inputs a test has tried; the long form prints their sum at the end. */
export function tried(inputs: number, what: string): void {
  if (total === 0 && LONG) {
    process.once('exit', () => console.log(`${total.toLocaleString('en')} inputs tried in all, of seed ${SEED}`))
  }
  total += inputs
  console.log(`    tried ${inputs.toLocaleString('en')} ${what}`)
}
