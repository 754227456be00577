import { turn } from './fill.js'

/** A process warning as this library makes it. */
export interface Warning extends Error {
  code?: string
}

/** How many rounds of garbage collection something that is garbage gets. */
const MAX_ROUNDS = 200

/** One round: what is garbage is collected, and what is told of it runs. */
export async function collectGarbage(): Promise<void> {
  globalThis.gc?.()
  await turn()
  await turn()
}

/** In a `describe`: the warnings since the test began; what is left from earlier tests is collected before. */
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

/** Collects garbage until `condition` holds; rejects when it never does. */
export async function collectUntil(what: string, condition: () => boolean): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    if (condition()) return
    await collectGarbage()
  }
  throw new Error(`never happened: ${what}`)
}
