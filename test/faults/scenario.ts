import type { Ledger } from './ledger.js'
import type { Partner } from './partnership.js'

/** A small program of calls, prepared for one injection. */
export interface Scenario {
  /** Makes the calls some of which fail. */
  run(): Promise<void>
  /** The fault is gone: shows that everything works, and closes it. */
  finish(): Promise<void>
}

/** Opens what a scenario needs, before anything fails. */
export type Prepare = (ledger: Ledger, partner: Partner) => Promise<Scenario>
