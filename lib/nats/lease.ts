import { Later } from '../core/promises.js'
import { message } from '../receive/delivery.js'
import type { Feed } from '../receive/reader.js'
import type { Delivery } from '../receive/waiter.js'
import { BY_HAND, type Holdings, type Place } from './holdings.js'

/**
 * A message that is acknowledged by hand. Until then it comes again, to any receiver, once `leaseMs` is over: from the time
 * that it was received, or of the last `renew()`.
 *
 * @example
 * const lease = await todo.lease()
 * try {
 *   await handle(lease.message)
 *   lease.ack()
 * } catch {
 *   lease.nak() // somebody may try again now
 * }
 */
export class Lease<out T = unknown> {
  /** The message. */
  readonly message: T
  readonly #holdings: Holdings
  readonly #place: Place
  #open = true

  /** @internal */
  constructor(message: T, holdings: Holdings, place: Place) {
    this.message = message
    this.#holdings = holdings
    this.#place = place
  }

  /**
   * Says that the message is done with: it does not come again. Only the first call of `ack` or `nak` counts. What shared a
   * packet is acknowledged together, when all of it is done with.
   *
   * @example
   * lease.ack()
   */
  ack(): void {
    if (this.#close()) this.#holdings.done(this.#place.packet, this.#place.index)
  }

  /**
   * Gives the message back: it comes again at once, to any receiver. One that shared a packet goes to the end of the stream.
   *
   * @example
   * lease.nak()
   */
  nak(): void {
    if (this.#close()) void this.#holdings.returnSome(this.#place.packet, [this.#place.index])
  }

  /**
   * Begins the time of the lease anew, and that of what shared its packet.
   *
   * @example
   * const renewing = setInterval(() => lease.renew(), 10_000)
   */
  renew(): void {
    if (this.#open) this.#holdings.renew(this.#place.packet)
  }

  #close(): boolean {
    const wasOpen = this.#open
    this.#open = false
    return wasOpen
  }
}

/** Takes the next message by a lease. One that the schema refuses, or that is none, is done with. */
export function leaseFrom(feed: Feed & { readonly holdings: Holdings }): Delivery<Lease> {
  const { holdings } = feed
  return {
    take: (batch, schema) => {
      feed.takeFor(BY_HAND)
      let place: Place | null = null
      const refuse = (error: unknown): never => {
        if (place !== null) holdings.done(place.packet, place.index)
        throw error
      }
      try {
        const value = message.take(batch, schema)
        const taken = holdings.last() as Place
        place = taken
        if (value instanceof Later) return value.map((settled) => new Lease(settled, holdings, taken), refuse)
        return new Lease(value, holdings, taken)
      } catch (error) {
        place = holdings.last()
        return refuse(error)
      } finally {
        feed.takeFor(null)
      }
    },
    end: message.end as () => never,
  }
}
