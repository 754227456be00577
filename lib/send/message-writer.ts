import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import { toText } from '../wire/json.js'
import { Outstanding } from './outstanding.js'
import type { SendQueue } from './send-queue.js'
import type { SendRequest } from './send-request.js'

/**
 * Writes messages that someone hands over one by one and goes on: a promise is made only while the channel is full, or once
 * a tick, to learn of a failure that no later write would tell.
 */
export class MessageWriter {
  readonly #queue: SendQueue
  readonly #outstanding = new Outstanding()
  readonly #failed: (error: unknown) => void
  #watching = false

  /** @param failed gets the error of a message that was accepted and then could not be sent */
  constructor(queue: SendQueue, failed: (error: unknown) => void) {
    this.#queue = queue
    this.#failed = failed
  }

  /**
   * Accepts a message, which is sent at the end of this tick or sooner. Returns a promise if the caller must wait before the
   * next: the channel is full, or the loop's budget is spent. Throws if it cannot be sent, or one before it was not.
   */
  write(message: unknown): Promise<void> | undefined {
    const text = toText(message)
    const { last } = this.#outstanding
    if (last === undefined || !this.#queue.transmitter.extend(last, text)) {
      const request = this.#queue.limits.request(text)
      if (last !== undefined && !last.settled) this.#queue.pump()
      this.#queue.enqueue(request)
      this.#outstanding.add(request)
      this.#outstanding.settled()
    }
    if (this.#queue.transmitter.blocked) return this.#untilRoom()
    if (overBudget()) return yieldToLoop()
    if (!this.#watching && this.#outstanding.first !== undefined) void this.#watch()
    return undefined
  }

  async writeAll(messages: Iterable<unknown>): Promise<void> {
    for (const message of messages) await this.write(message)
  }

  /** Resolves once the kernel has all that was written; rejects if it does not take one. */
  async flush(): Promise<void> {
    while (this.#outstanding.last !== undefined) await this.#outcome(this.#outstanding.last)
  }

  async #untilRoom(): Promise<void> {
    while (this.#queue.transmitter.blocked && this.#outstanding.first !== undefined) {
      await this.#outcome(this.#outstanding.first)
    }
  }

  /** Waits for a request. Throws the error of the first that failed. */
  async #outcome(request: SendRequest): Promise<void> {
    await request.wait().catch(ignore)
    this.#outstanding.settled()
  }

  async #watch(): Promise<void> {
    this.#watching = true
    try {
      await this.flush()
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#watching = false
    }
  }
}

function ignore(): void {}
