import type { AsyncResource } from 'node:async_hooks'
import { Promise } from '../core/globals.js'
import { ListItem } from '../core/list.js'
import { quiet } from '../core/promises.js'
import type { ReceiveQueue } from '../receive/receive-queue.js'
import { nextTicket, type Subscriber } from '../receive/waiter.js'
import type { Taken } from './select.js'

export type Result = IteratorResult<Taken, undefined>

export const ENDED: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })

/** What a station tells its `merge`. */
export interface Merge {
  /** Whether a step waits for a station to serve it. */
  readonly wanting: boolean
  readonly ticket: number
  /** There is something for the first step. */
  serve(station: Station): void
  /** There may be something. */
  ready(station: Station): void
  /** The receiver has ended. */
  ended(station: Station): void
  /** The receiver failed, or is closed, detached or moved. */
  fail(error: unknown, key: string): void
  /** The number of stations that keep the process alive has changed. */
  holders(change: number): void
}

/** One receiver of a `merge`. */
export class Station implements Subscriber {
  readonly #merging: Merge
  /** Whether it is in the merge's `#ready`. */
  #listed = true
  /** Whether it is to be woken when there may be something. */
  #armed = false
  #gone = false
  /** Whether the receiver has ended. */
  over: boolean
  keepsAlive: boolean

  constructor(
    merging: Merge,
    readonly key: string,
    readonly queue: ReceiveQueue,
    public rank: number
  ) {
    this.#merging = merging
    this.over = queue.ended
    this.keepsAlive = queue.end.keepsAlive
  }

  get wanting(): boolean {
    return this.#merging.wanting
  }

  get ticket(): number {
    return this.#merging.ticket
  }

  get armed(): boolean {
    return this.#armed && !this.#gone
  }

  /** Waits to be woken: it was looked at, and has nothing. */
  arm(): void {
    this.#listed = false
    this.#armed = true
    this.queue.arm()
  }

  stay(): void {
    this.#armed = true
  }

  wake(): void {
    this.#armed = false
    if (!this.#gone) this.list()
  }

  /** Has the merge look at it, if it is not going to. */
  list(): void {
    if (this.#listed) return
    this.#listed = true
    this.#merging.ready(this)
  }

  serve(): void {
    this.#merging.serve(this)
  }

  end(): void {
    this.#gone = true
    this.over = true
    this.#merging.ended(this)
  }

  fail(error: unknown): void {
    this.#gone = true
    this.#merging.fail(error, this.key)
  }

  leave(): void {
    this.#gone = true
    this.queue.unsubscribe(this)
  }

  setKeepsAlive(keepsAlive: boolean): void {
    if (keepsAlive === this.keepsAlive) return
    this.keepsAlive = keepsAlive
    this.#merging.holders(keepsAlive ? 1 : -1)
  }
}

/** A `next()` that waits. */
export class Step extends ListItem<Step> {
  readonly ticket = nextTicket()
  readonly promise: Promise<Result>
  resolve!: (value: Result | Promise<Result>) => void
  reject!: (error: unknown) => void

  /** @param caller the async context of schemas, if there are any */
  constructor(readonly caller: AsyncResource | null) {
    super()
    this.promise = quiet(
      new Promise<Result>((resolve, reject) => {
        this.resolve = resolve
        this.reject = reject
      })
    )
  }
}
