import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import type { SendQueue } from './send-queue.js'
import type { Poster } from './send-request.js'

/**
 * Writes messages that the caller hands over one by one and goes on: it makes a promise only while the channel is full.
 */
export class MessageWriter implements Poster {
  /** Its messages are a stream: long packets cost the reader least. */
  readonly eager = false
  readonly #queue: SendQueue
  readonly #toText: (message: unknown) => string
  readonly #failed: (error: unknown) => void

  /**
   * @param toText throws for a message that cannot be sent
   * @param close closes the queue's sender
   * @param failed gets the error of a message that was accepted and then not sent
   */
  constructor(
    queue: SendQueue,
    toText: (message: unknown) => string,
    readonly close: () => void,
    failed: (error: unknown) => void
  ) {
    this.#queue = queue
    this.#toText = toText
    this.#failed = failed
  }

  /**
   * Accepts a message, which is sent at the end of this tick or sooner. Returns a promise if the caller must wait before
   * the next: the channel is full, or the loop's budget is spent.
   */
  write(message: unknown): Promise<void> | undefined {
    this.#queue.post(this.#toText(message), this, 0)
    if (this.#queue.transmitter.blocked) return this.#untilRoom()
    return overBudget() ? yieldToLoop() : undefined
  }

  async writeAll(messages: readonly unknown[]): Promise<void> {
    for (const message of messages) await this.write(message)
  }

  /** Resolves once the kernel has all that was written; rejects if it does not take one. */
  flush(): Promise<void> {
    return this.#queue.flush()
  }

  /** Called by the queue: a message was not sent. */
  onUnsent(_id: number, error: unknown): void {
    this.#failed(error)
  }

  async #untilRoom(): Promise<void> {
    const { transmitter } = this.#queue
    while (transmitter.blocked && transmitter.requests.first !== null) {
      await transmitter.requests.first.wait().catch(ignore)
    }
  }
}

function ignore(): void {}
