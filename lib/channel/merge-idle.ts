import { recurring } from '../core/clock.js'

/** How long a merge stays subscribed without being asked for a step, in ms: its loop may have been left. */
const IDLE_MS = 1000

interface Idle {
  releaseIfIdle(): void
}

/** The merges that are subscribed. */
export const staying = new Set<Idle>()

/** Apart from `merge`, which may be loaded late: the timer must be made at import. */
export const startLooking = recurring(IDLE_MS, () => {
  for (const merging of staying) merging.releaseIfIdle()
  return staying.size > 0
})
