import type { Receiver } from './receiver.js'
import type { Sender } from './sender.js'

/**
 * One side of a two-way connection: what it sends, the other side receives, and the other way round. It is passed on
 * like an end of a channel: `fork({ channels: { api: link } })` and `inherited<{ api: Link }>()`.
 *
 * @example
 * import { type Link, serve } from 'wormhole-ipc/calls'
 * import { inherited } from 'wormhole-ipc/process'
 *
 * const { api } = inherited<{ api: Link }>()
 * await serve(api, { double: (n: number) => 2 * n })
 */
export interface Link {
  /** Sends to the other side. */
  // biome-ignore lint/suspicious/noExplicitAny: what travels over a link is not the user's to type.
  readonly sender: Sender<any>
  /** Receives from the other side. */
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly receiver: Receiver<any>
}
