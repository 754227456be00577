import type { AsyncResource } from 'node:async_hooks'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { callerContext } from '../core/caller.js'
import { Promise } from '../core/globals.js'
import { type List, ListItem } from '../core/list.js'
import { Later, quiet } from '../core/promises.js'
import type { Batch } from './batch.js'

/** A wait for a receiver's next message. Only one of its methods is called, and only once. */
export abstract class Waiter extends ListItem<Waiter> {
  /** The iteration that this is a step of, if it is one. */
  iteration: object | null = null
  /** The order of its arrival among all waits of all receivers: lower is earlier. */
  ticket = nextTicket()
  /** A message or failure is there to be taken. */
  abstract serve(): void
  /** No message will come any more. */
  abstract end(): void
  abstract fail(error: unknown): void
}

/** Stays with a receiver from one message to the next; while it wants one it waits, in the order of its ticket. */
export interface Subscriber {
  /** Whether it waits for a message now. */
  readonly wanting: boolean
  readonly ticket: number
  /** Whether it is to be woken when there may be a message. */
  readonly armed: boolean
  /** There may be a message: something has been read, or the kernel says that something is there. */
  wake(): void
  /** Nothing is there any more, and it still waits: it is to be woken again. */
  stay(): void
  /** A message or failure is there to be taken, and no other wait came earlier. */
  serve(): void
  /** No message will come any more. */
  end(): void
  /** The receiver failed, or is closed, detached or moved. */
  fail(error: unknown): void
  /** Whether a wait on the receiver keeps the process alive has changed. */
  setKeepsAlive(keepsAlive: boolean): void
}

let tickets = 0

export function nextTicket(): number {
  tickets++
  return tickets
}

/** Turns what was read into the value of a call. */
export interface Delivery<Value> {
  /** Takes from a batch that is not empty; throws a failure. */
  take(batch: Batch, schema: StandardSchemaV1 | undefined): Value | Later<Value>
  /** Returns the value at the end, or throws. */
  end(): Value
}

/**
 * A call that waits, as a promise. One is made for every message of a slow exchange: so it inherits nothing, and the fields
 * are assigned once, by the constructor.
 */
export class Pending<Value> implements Waiter {
  declare previous: Waiter | null
  declare next: Waiter | null
  declare list: List<Waiter> | null
  declare iteration: object | null
  declare ticket: number
  declare readonly promise: Promise<Value>
  declare private resolve: (value: Value | Promise<Value>) => void
  declare private reject: (error: unknown) => void
  declare private readonly delivery: Delivery<Value>
  declare private readonly batch: Batch
  declare private readonly schema: StandardSchemaV1 | undefined
  /** The async context of a schema; without one no user code runs for this. */
  declare private caller: AsyncResource | null

  constructor(delivery: Delivery<Value>, batch: Batch, schema: StandardSchemaV1 | undefined) {
    this.previous = null
    this.next = null
    this.list = null
    this.iteration = null
    this.ticket = ++tickets
    this.delivery = delivery
    this.batch = batch
    this.schema = schema
    this.caller = schema === undefined ? null : callerContext()
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  serve(): void {
    if (this.schema !== undefined) {
      this.#attempt(() => this.delivery.take(this.batch, this.schema))
      return
    }
    try {
      // Without a schema nothing is a `Later`.
      this.resolve(this.delivery.take(this.batch, undefined) as Value)
    } catch (error) {
      this.fail(error)
    }
  }

  end(): void {
    this.#attempt(() => this.delivery.end())
  }

  fail(error: unknown): void {
    void quiet(this.promise)
    this.reject(error)
    this.#leaveContext()
  }

  #attempt(operation: () => Value | Later<Value>): void {
    try {
      const value = this.caller === null ? operation() : this.caller.runInAsyncScope(operation)
      // A schema that checks asynchronously may refuse it.
      if (value instanceof Later) void quiet(this.promise)
      this.resolve(value instanceof Later ? value.promise : value)
      this.#leaveContext()
    } catch (error) {
      this.fail(error)
    }
  }

  #leaveContext(): void {
    this.caller?.emitDestroy()
    this.caller = null
  }
}
