import type { Settings } from '../core/options.js'
import type { Counters, Observed } from '../core/telemetry.js'
import type { Descriptor } from './descriptor.js'

/** What the queues of one end share: an end of a channel is one. */
export interface EndContext extends Observed {
  readonly descriptor: Descriptor
  readonly settings: Settings
  readonly counters: Counters
  /** Throws ERR_WORMHOLE_CLOSED if this end is of no use any more. */
  assertUsable(): void
}
