import type { Batch } from '../census/records.js'
import type { Tally } from '../census/tally.js'

/** What goes to the workers. */
export interface Job {
  /** Which run of the source it is of. */
  run: string
  id: number
  batch: Batch
}

/** What comes back. */
export interface Result {
  run: string
  id: number
  counts: ReturnType<Tally['toJSON']>
}
