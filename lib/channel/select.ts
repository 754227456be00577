import type { AsyncResource } from 'node:async_hooks'
import { onAbort } from '../core/abort.js'
import { callerContext } from '../core/caller.js'
import { describe } from '../core/describe.js'
import { argumentError, disconnectedError, WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import { signalOf, type WaitOptions } from '../core/options.js'
import { Later, quiet, rejected } from '../core/promises.js'
import { endOf } from '../fd/descriptor.js'
import { message } from '../receive/delivery.js'
import type { ReceiveQueue } from '../receive/receive-queue.js'
import { isQueued, kQueue, type Queued, type ReceivingEnd } from '../receive/receiving-end.js'
import { Waiter } from '../receive/waiter.js'

/**
 * Receivers by key, each with a message type of its own.
 *
 * @example
 * import { channel, type Receivers, select } from 'wormhole-ipc'
 *
 * const [, first] = channel<number>()
 * const [, second] = channel<number>()
 * const receivers = { first, second } satisfies Receivers
 * const [key, message] = await select(receivers)
 */
export type Receivers = Record<string, ReceivingEnd<unknown>>

/**
 * A key of `R` and a message of that key's receiver.
 *
 * @example
 * import type { Receiver, Selected } from 'wormhole-ipc'
 *
 * // ['todo', { id: number }] | ['stopped', string]
 * type Event = Selected<{ todo: Receiver<{ id: number }>; stopped: Receiver<string> }>
 */
export type Selected<R extends Receivers> = {
  [K in keyof R & string]: [key: K, message: R[K] extends ReceivingEnd<infer T> ? T : never]
}[keyof R & string]

/**
 * Receives the next message of any of several receivers, with its key. If several have one, the receiver served longest
 * ago comes first. Nothing is taken from the others. A receiver that has ended is skipped; once all have ended, this
 * rejects with ERR_WORMHOLE_DISCONNECTED. A message that fails rejects with its error, whose `key` names its receiver.
 *
 * @returns a promise that rejects with what `recv` rejects with; with ERR_WORMHOLE_ARGUMENT if there is no receiver; with
 * ERR_WORMHOLE_CLOSED, whose `key` names the receiver, if one is closed, detached or moved before or during the wait
 *
 * @example
 * import { channel, select } from 'wormhole-ipc'
 *
 * const [, todo] = channel<{ id: number }>()
 * const [, stopped] = channel<string>()
 * const [key, message] = await select({ todo, stopped })
 * if (key === 'todo') console.log(message.id)
 * else console.log(message.toUpperCase())
 */
export function select<R extends Receivers>(receivers: R, options?: WaitOptions): Promise<Selected<R>> {
  return choose(receivers, options)
}

let served = 0

/** A receiver that may be chosen, under its key. */
interface Candidate {
  readonly key: string
  readonly receiver: Queued
  readonly queue: ReceiveQueue
}

/** Returns what `call` may choose from; throws for anything that is not a usable receiver. */
export function candidatesOf(call: 'select' | 'merge', receivers: Receivers): Candidate[] {
  if (typeof receivers !== 'object' || receivers === null || endOf(receivers) !== undefined) {
    throw argumentError(`${call}() takes an object of receivers, such as { jobs, results }, not ${describe(receivers)}`)
  }
  const candidates = Object.entries(receivers).map(([key, receiver]) => candidate(call, key, receiver))
  if (candidates.length === 0) {
    throw argumentError(`${call}() needs at least one receiver: ${describe(receivers)} has none`)
  }
  return candidates
}

function candidate(call: string, key: string, receiver: unknown): Candidate {
  if (isQueued(receiver)) return { key, receiver, queue: queueOf(key, receiver) }
  const what =
    endOf(receiver) === 'receiver'
      ? `is of another copy of wormhole-ipc in this process: use that copy's ${call}()`
      : `is ${describe(receiver)}, not a Receiver`
  throw argumentError(`${call}(): "${key}" ${what}`)
}

/** Returns the queue; throws, with the key, if the receiver is closed, detached or moved. */
function queueOf(key: string, receiver: Queued): ReceiveQueue {
  try {
    return receiver[kQueue]
  } catch (error) {
    throw withKey(error, key)
  }
}

/** Returns a copy of the error with its receiver's key; a copy, as other calls may reject with the same error. */
export function withKey(error: unknown, key: string): unknown {
  if (!(error instanceof WormholeError)) return error
  const { code, message, errno, syscall, cause } = error
  const details = 'received' in error ? { errno, syscall, cause, received: error.received } : { errno, syscall, cause }
  const own = new WormholeError(code, message, details)
  own.key = key
  return own
}

function choose<R extends Receivers>(receivers: R, options: WaitOptions | undefined): Promise<Selected<R>> {
  try {
    const signal = signalOf(options, 'select')
    signal?.throwIfAborted()
    const candidates = candidatesOf('select', receivers)
    // Reading more may have to wait for a yield to the loop.
    return overBudget()
      ? quiet(yieldToLoop().then(() => pickLater<R>(candidates, signal)))
      : pick<R>(candidates, signal)
  } catch (error) {
    return rejected(error)
  }
}

/** Picks after a yield to the loop, during which receivers may have been closed or moved: what these hold is not ours. */
function pickLater<R extends Receivers>(candidates: Candidate[], signal: AbortSignal | undefined) {
  for (const { key, receiver } of candidates) queueOf(key, receiver)
  return pick<R>(candidates, signal)
}

/** Takes from the receiver with something that was served longest ago, or waits for the first that gets something. */
function pick<R extends Receivers>(candidates: Candidate[], signal: AbortSignal | undefined): Promise<Selected<R>> {
  const ready = firstReady(candidates)
  if (ready !== undefined) {
    const taken = takeFrom(ready.key, ready.queue)
    return quiet(taken instanceof Later ? taken.promise : Promise.resolve(taken)) as Promise<Selected<R>>
  }
  signal?.throwIfAborted()
  const choice = new Choice(candidates)
  choice.wait(signal)
  return choice.promise as Promise<Selected<R>>
}

/** The candidate with something to take that was served longest ago. */
function firstReady(candidates: Candidate[]): Candidate | undefined {
  candidates.sort((a, b) => a.queue.lastServed - b.queue.lastServed)
  return candidates.find(({ key, receiver }) => queueOf(key, receiver).ready())
}

/** Takes from a queue that has something. A WormholeError gets the key. */
export function takeFrom(key: string, queue: ReceiveQueue): [string, unknown] | Later<[string, unknown]> {
  const mark = (error: unknown): never => {
    if (error instanceof WormholeError) error.key = key
    throw error
  }
  served++
  queue.lastServed = served
  try {
    const value = message.take(queue.batch, queue.settings.schema)
    return value instanceof Later ? value.map((settled) => [key, settled], mark) : [key, value]
  } catch (error) {
    return mark(error)
  }
}

/** One `select` that waits in several receivers at the same time. */
class Choice {
  readonly promise: Promise<unknown>
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  readonly #waits: Set<SelectWaiter>
  /** The async context of the schemas, if there are any. */
  readonly #caller: AsyncResource | null
  #stop: (() => void) | undefined

  constructor(candidates: Candidate[]) {
    this.#caller = candidates.some(({ queue }) => queue.settings.schema !== undefined) ? callerContext() : null
    this.promise = quiet(
      new Promise((resolve, reject) => {
        this.#resolve = resolve
        this.#reject = reject
      })
    )
    this.#waits = new Set(candidates.map(({ key, queue }) => new SelectWaiter(this, key, queue)))
  }

  get waiting(): boolean {
    return this.#waits.size > 0
  }

  wait(signal: AbortSignal | undefined): void {
    try {
      for (const waiter of this.#waits) {
        if (waiter.queue.ended) this.ended(waiter)
        else waiter.queue.join(waiter)
      }
    } catch (error) {
      this.#leaveAll()
      throw error
    }
    if (signal !== undefined && this.waiting) this.#stop = onAbort(signal, () => this.#abort(signal.reason))
  }

  taken(take: () => unknown): void {
    this.#leaveAll()
    try {
      const taken = this.#caller === null ? take() : this.#caller.runInAsyncScope(take)
      this.#resolve(taken instanceof Later ? taken.promise : taken)
    } catch (error) {
      this.#reject(error)
    }
  }

  ended(waiter: SelectWaiter): void {
    this.#waits.delete(waiter)
    if (!this.waiting) this.failed(disconnectedError('Receiver'))
  }

  failed(error: unknown): void {
    this.#leaveAll()
    this.#reject(error)
  }

  /** Aborts the wait, unless a message is there: that wins, as in `recv`. */
  #abort(reason: unknown): void {
    for (const { queue } of this.#waits) queue.serve()
    if (this.waiting) this.failed(reason)
  }

  #leaveAll(): void {
    this.#stop?.()
    this.#caller?.emitDestroy()
    const waits = [...this.#waits]
    this.#waits.clear()
    for (const waiter of waits) waiter.queue.leave(waiter)
  }
}

class SelectWaiter extends Waiter {
  readonly queue: ReceiveQueue
  readonly #choice: Choice
  readonly #key: string

  constructor(choice: Choice, key: string, queue: ReceiveQueue) {
    super()
    this.#choice = choice
    this.#key = key
    this.queue = queue
  }

  override serve(): void {
    this.#choice.taken(() => takeFrom(this.#key, this.queue))
  }

  override end(): void {
    this.#choice.ended(this)
  }

  override fail(error: unknown): void {
    this.#choice.failed(withKey(error, this.#key))
  }
}
