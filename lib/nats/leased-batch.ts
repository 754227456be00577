import type { Observed } from '../core/telemetry.js'
import { Batch } from '../receive/batch.js'

/** A batch that tells when messages are taken from it, whichever call takes them. */
export class LeasedBatch extends Batch {
  readonly #onTaken: () => void

  constructor(end: Observed, onTaken: () => void) {
    super(end)
    this.#onTaken = onTaken
  }

  override takeMessage(): unknown {
    try {
      return super.takeMessage()
    } finally {
      this.#onTaken()
    }
  }

  override takeAll(): unknown[] {
    try {
      return super.takeAll()
    } finally {
      this.#onTaken()
    }
  }

  override putBack(item: unknown): void {
    super.putBack(item)
    this.#onTaken()
  }
}
