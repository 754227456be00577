import type { Descriptor } from './descriptor.js'
import type { WormholeError } from './errors.js'
import { unwatchNow, type Waiting, watch } from './poller.js'
import * as socket from './socket.js'

/** What a sender waits for on its channel: room, or just the channel's end. */
export class ChannelWatch {
  readonly #descriptor: Descriptor
  readonly #waiting: Waiting
  #callbacks: Set<(error: WormholeError) => void> | null = null
  #keepsAlive = true
  /** Whether it waits for room. */
  blocked = false

  constructor(descriptor: Descriptor, waiting: Waiting) {
    this.#descriptor = descriptor
    this.#waiting = waiting
  }

  /** Waits for room. Throws where even that is not possible. */
  block(): void {
    this.blocked = true
    try {
      this.#watch()
    } catch (error) {
      this.blocked = false
      throw error
    }
  }

  unblock(): void {
    if (!this.blocked) return
    this.blocked = false
    this.#watch()
  }

  /** Calls `callback` once the channel has come to its end, until the returned function is called. */
  whenGone(callback: (error: WormholeError) => void): () => void {
    this.#callbacks ??= new Set()
    this.#callbacks.add(callback)
    this.#watch()
    return () => {
      if (this.#callbacks?.delete(callback) === true) this.#watch()
    }
  }

  /** The channel has come to its end. */
  gone(error: WormholeError): void {
    for (const tell of this.#callbacks ?? []) tell(error)
    this.#callbacks = null
    this.blocked = false
    this.#watch()
  }

  setKeepsAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    if (this.blocked) this.#watch()
  }

  /** To wait for the end alone keeps no process alive. */
  #watch(): void {
    const { fd } = this.#descriptor
    if (fd < 0) return
    if (this.blocked) watch(fd, socket.POLLOUT, this.#waiting, this.#keepsAlive)
    else if (this.#callbacks !== null && this.#callbacks.size > 0) watch(fd, socket.POLLHUP, this.#waiting, false)
    else unwatchNow(fd)
  }
}
