import { Promise } from '../core/globals.js'

/** After this many messages in a row, each alone in its tick, the next one is sent inside its call. */
const ALONE_BEFORE_NO_DELAY = 2
const settled: Promise<void> = Promise.resolve()

/**
 * Decides whether to send inside the call rather than at the end of the tick. A sender that awaits each message never has
 * two in one tick; once that pattern shows, waiting gains nothing.
 */
export class NoDelay {
  /** How many ticks in a row ended with one message. */
  #alone = 0
  /** Whether enough messages in a row were each alone in their tick. */
  usual = false
  /** Whether another message was sent inside its call in this tick, so that the next one is not alone. */
  used = false
  /** Made with the first use: most of many thousand senders have none. */
  #forget: (() => void) | null = null

  /** Records whether a message was alone in its tick, and had nothing to wait for. */
  note(alone: boolean): void {
    this.#alone = alone ? this.#alone + 1 : 0
    this.usual = this.#alone >= ALONE_BEFORE_NO_DELAY
  }

  /**
   * Records a send inside its call, until the microtasks have run: by then other code of this tick has sent too. Returns the
   * promise of that, for the send itself: what awaits it never finds the record.
   */
  use(): Promise<void> {
    this.used = true
    this.#forget ??= () => {
      this.used = false
    }
    return settled.then(this.#forget)
  }
}
