import { turn } from './fill.js'

/** A process warning of this library. */
export interface Warning extends Error {
  code?: string
}

/** The rounds within which garbage must be collected. */
const MAX_ROUNDS = 200

/** Runs one round: collects garbage, and lets finalizers run. */
export async function collectGarbage(): Promise<void> {
  globalThis.gc?.()
  await turn()
  await turn()
}

/** In a `describe`: returns the warnings since the test began; garbage of earlier tests is collected before. */
export function watchesWarnings(): Warning[] {
  const warnings: Warning[] = []
  const note = (warning: Warning) => void warnings.push(warning)
  beforeEach(async () => {
    for (let round = 0; round < 3; round++) await collectGarbage()
    warnings.length = 0
    process.on('warning', note)
  })
  afterEach(() => {
    process.off('warning', note)
  })
  return warnings
}

/** Collects garbage until `condition` holds; rejects if it never does. */
export async function collectUntil(what: string, condition: () => boolean): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (condition()) return
    await collectGarbage()
  }
  throw new Error(`never happened: ${what}`)
}
