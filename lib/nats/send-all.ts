import { onAbort } from '../core/abort.js'
import { Promise } from '../core/globals.js'
import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import { OVER, SourceIterator } from '../send/source-iterator.js'
import type { RemoteSettings } from './options.js'
import { join, MAX_MESSAGES } from './packet.js'
import { type Publisher, Request } from './publisher.js'

/** Requests of one `sendAll` that wait at the same time: one is gathered while another is published. */
const AHEAD = 2

/** One `sendAll`: asks an iterable for more only as the stream takes messages. */
export class SendAll {
  readonly #publisher: Publisher
  readonly #textOf: (message: unknown) => string
  readonly #signal: AbortSignal | undefined
  readonly #most: number
  readonly #maxUnits: number
  readonly #waiting: Request[] = []
  #sent = 0
  #failure: { error: unknown } | undefined

  /** @param textOf returns a message's JSON, or throws */
  constructor(
    publisher: Publisher,
    { coalesce, packetBytes }: RemoteSettings,
    textOf: (message: unknown) => string,
    signal: AbortSignal | undefined
  ) {
    this.#publisher = publisher
    this.#textOf = textOf
    this.#signal = signal
    this.#most = coalesce ? MAX_MESSAGES : 1
    // A unit is three bytes at most, and each message has a separator.
    this.#maxUnits = (packetBytes - MAX_MESSAGES) / 3
  }

  /** Sends the messages of a synchronous iterable, many to a request. */
  async batches(messages: Iterable<unknown>): Promise<number> {
    const iterator = new SourceIterator(messages, false)
    try {
      while (!iterator.over) {
        const request = this.#gather(iterator)
        this.#signal?.throwIfAborted()
        if (request !== null) await this.#submitAndWait(request)
        if (this.#failure !== undefined) throw this.#failure.error
        if (overBudget()) await yieldToLoop()
        this.#signal?.throwIfAborted()
      }
      return await this.#untilAllSent()
    } catch (error) {
      return this.#stop(iterator, error)
    }
  }

  /** Sends the messages of an asynchronous iterable as they come. */
  async each(messages: AsyncIterable<unknown>): Promise<number> {
    const iterator = new SourceIterator(messages, true)
    try {
      for (;;) {
        const message = iterator.read(await this.#answer(iterator))
        if (message === OVER) break
        const text = this.#textOf(message)
        this.#signal?.throwIfAborted()
        await this.#submitAndWait(new Request(text, 1), MAX_MESSAGES)
      }
      return await this.#untilAllSent()
    } catch (error) {
      return this.#stop(iterator, error)
    }
  }

  #gather(iterator: SourceIterator): Request | null {
    const texts: string[] = []
    let units = 0
    try {
      while (texts.length < this.#most && units < this.#maxUnits) {
        const message = iterator.next()
        if (message === OVER) break
        const text = this.#textOf(message)
        if (units + text.length > this.#maxUnits && texts.length > 0) {
          // Too long to go along: it is sent after what came before it.
          const first = new Request(join(texts), texts.length)
          this.#submit(first)
          return new Request(text, 1)
        }
        texts.push(text)
        units += text.length
      }
    } catch (error) {
      // What came before it is sent first.
      this.#failure = { error }
    }
    return texts.length === 0 ? null : new Request(join(texts), texts.length)
  }

  #submit(request: Request): void {
    this.#waiting.push(request)
    void this.#publisher.submit(request, this.#signal)
  }

  /** Submits a request, and waits until fewer than `ahead` are left. */
  async #submitAndWait(request: Request, ahead = AHEAD): Promise<void> {
    this.#submit(request)
    while (this.#waiting.length >= ahead || this.#waiting[0]?.settled === true) await this.#first()
  }

  async #first(): Promise<void> {
    const request = this.#waiting[0] as Request
    await request.promise
    this.#waiting.shift()
    this.#sent += request.count
  }

  async #untilAllSent(): Promise<number> {
    while (this.#waiting.length > 0) await this.#first()
    return this.#sent
  }

  async #stop(iterator: SourceIterator, error: unknown): Promise<never> {
    iterator.stop((another) => another === error || this.#signal?.aborted === true)
    for (const { promise } of this.#waiting) await promise.catch(() => undefined)
    throw error
  }

  /** Waits for the iterable's answer, unless the signal comes first. */
  #answer(iterator: SourceIterator): Promise<unknown> {
    const signal = this.#signal
    return new Promise((resolve, reject) => {
      const stop = signal && onAbort(signal, () => reject(signal.reason))
      Promise.resolve(iterator.ask())
        .then(resolve, (error) => reject(iterator.fail(error)))
        .finally(stop)
    })
  }
}
