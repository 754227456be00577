import { Promise } from '../core/globals.js'

/** Messages in a row, each alone in its tick, after which the next such one is sent within the call. */
const ALONE_BEFORE_NO_DELAY = 16
const settled = Promise.resolve()

/**
 * Whether a message may go within its call, without the wait for others of the same tick: a sender that awaits each
 * message has never more than one in a tick, and once that shows the wait is of no use.
 */
export class NoDelay {
  /** How many times in a row the tick's end found one message. */
  #alone = 0
  /** Whether a message went within its call, and what was going on then still is. */
  #used = false

  /** Whether a message was alone in its tick, and had nothing to wait for. */
  note(alone: boolean): void {
    this.#alone = alone ? this.#alone + 1 : 0
  }

  /** Whether those before were alone, each in its tick. */
  get usual(): boolean {
    return this.#alone >= ALONE_BEFORE_NO_DELAY
  }

  /** Whether another message has gone within its call in this very tick: this one is not alone. */
  get used(): boolean {
    return this.#used
  }

  /** One goes now; whoever is sending beside it has done so once the microtasks have run. */
  use(): void {
    this.#used = true
    void settled.then(() => {
      this.#used = false
    })
  }
}
