import type { Settings } from '../core/options.js'
import type { Counters, Observed } from '../core/telemetry.js'
import type { Descriptor } from './descriptor.js'

/** The life of an end: in use; over, as the other side is gone; or given up here by close, detach or a move. */
export const OPEN = 0
export const OVER = 1
export const GIVEN_UP = 2
export type Life = typeof OPEN | typeof OVER | typeof GIVEN_UP

/** What the queues of one end share. */
export interface EndState extends Observed {
  readonly settings: Settings
  readonly counters: Counters
  life: Life
  /** Whether a wait on this end keeps the process alive. */
  readonly keepsAlive: boolean
  /** Throws ERR_WORMHOLE_CLOSED if this end was given up. */
  assertUsable(): void
}

/** What the queues of one end of a local channel share: such an end is one. */
export interface EndContext extends EndState {
  readonly descriptor: Descriptor
}
