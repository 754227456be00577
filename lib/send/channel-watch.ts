import { onAbort } from '../core/abort.js'
import { closedError, type WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { quiet } from '../core/promises.js'
import type { EndContext } from '../fd/end-context.js'
import { unwatchNow, type Waiting, watch } from '../os/poller.js'
import * as socket from '../os/syscalls.js'

/** A wait for a channel's end. */
interface EndWaiter {
  gone(error: WormholeError): void
  /** The sender was closed, detached or moved; called only for a wait that keeps the process alive. */
  closed(): void
}

/** What a sender waits for on its channel: room, or just the channel's end. */
export class ChannelWatch {
  readonly #end: EndContext
  readonly #waiting: Waiting
  /** The waits for the end; true if one keeps the process alive, as far as the sender does. */
  #waiters: Map<EndWaiter, boolean> | null = null
  /** How many of these keep the process alive. */
  #holding = 0
  /** Whether it waits for room. */
  blocked = false

  constructor(end: EndContext, waiting: Waiting) {
    this.#end = end
    this.#waiting = waiting
  }

  /** Waits for room. Throws if the descriptor cannot be watched. */
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

  /** Calls `callback` at the channel's end, unless the returned function is called before. Keeps no process alive. */
  whenGone(callback: (error: WormholeError) => void): () => void {
    const waiter = { gone: callback, closed: ignore }
    this.#add(waiter, false)
    return () => this.#remove(waiter)
  }

  /** Resolves at the channel's end; rejects with the signal's reason, or once the sender is closed, detached or moved. */
  untilGone(signal: AbortSignal | undefined): Promise<void> {
    return quiet(
      new Promise((resolve, reject) => {
        let stop: (() => void) | undefined
        const waiter = {
          gone: () => {
            stop?.()
            resolve()
          },
          closed: () => {
            stop?.()
            reject(closedError('Sender'))
          },
        }
        this.#add(waiter, true)
        stop =
          signal &&
          onAbort(signal, () => {
            this.#remove(waiter)
            stop?.()
            // The channel may have ended while the event loop was busy.
            if (this.#end.fd >= 0 && socket.hungUp(this.#end.fd)) resolve()
            else reject(signal.reason)
          })
      })
    )
  }

  /** Ends all waits: the channel has ended. */
  gone(error: WormholeError): void {
    const waiters = this.#takeWaiters()
    this.blocked = false
    this.#watch()
    for (const waiter of waiters?.keys() ?? []) waiter.gone(error)
  }

  /** Ends the waits that keep the process alive: the sender is closed, or its descriptor is about to be moved. */
  endWaits(): void {
    for (const [waiter, keepsAlive] of this.#waiters ?? []) {
      if (!keepsAlive) continue
      this.#remove(waiter)
      waiter.closed()
    }
  }

  /** Applies a changed `keepsAlive` to what is watched. */
  rewatch(): void {
    if (this.blocked || this.#waiters !== null) this.#watch()
  }

  #add(waiter: EndWaiter, keepsAlive: boolean): void {
    this.#waiters ??= new Map()
    this.#waiters.set(waiter, keepsAlive)
    if (keepsAlive) this.#holding++
    try {
      this.#watch()
    } catch (error) {
      this.#remove(waiter)
      throw error
    }
  }

  #remove(waiter: EndWaiter): void {
    const keptAlive = this.#waiters?.get(waiter)
    if (this.#waiters === null || keptAlive === undefined) return
    this.#waiters.delete(waiter)
    if (keptAlive) this.#holding--
    if (this.#waiters.size === 0) this.#waiters = null
    this.#watch()
  }

  #takeWaiters(): Map<EndWaiter, boolean> | null {
    const waiters = this.#waiters
    this.#waiters = null
    this.#holding = 0
    return waiters
  }

  #watch(): void {
    const { fd, keepsAlive } = this.#end
    if (fd < 0) return
    if (this.blocked) {
      watch(fd, socket.POLLOUT, this.#waiting, keepsAlive)
    } else if (this.#waiters !== null) {
      watch(fd, socket.POLLHUP, this.#waiting, keepsAlive && this.#holding > 0)
    } else unwatchNow(fd)
  }
}

function ignore(): void {}
