import type { AsyncResource } from 'node:async_hooks'
import { onAbort } from '../core/abort.js'
import { callerContext } from '../core/caller.js'
import { describe } from '../core/describe.js'
import { argumentError, disconnectedError, WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import { flagOf, signalOf, type WaitOptions } from '../core/options.js'
import { Later, quiet, rejected } from '../core/promises.js'
import { endOf } from '../fd/descriptor.js'
import { message } from '../receive/delivery.js'
import type { ReceiveQueue } from '../receive/receive-queue.js'
import { isQueued, kQueue, type Queued, type ReceivingEnd } from '../receive/receiving-end.js'
import { Waiter } from '../receive/waiter.js'
import { endsUntold, tellEnd } from './ends.js'

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
 * What `select` and `merge` give with `{ ends: true }`: a message of a key's receiver, or the end of that receiver. The
 * third element tells which, and narrows the type of the message. A message alone could not tell: a schema's output may
 * be anything, `undefined` too. The array begins like the one without the option, so a loop keeps its `[key, message]`.
 *
 * @example
 * import { channel, type SelectedOrEnd, select } from 'wormhole-ipc'
 *
 * const [, first] = channel<number>()
 * const [, second] = channel<number>()
 * const show = ([key, message, ended]: SelectedOrEnd<{ first: typeof first; second: typeof second }>) =>
 *   ended ? `${key} has ended` : `${key}: ${message.toFixed()}`
 * console.log(show(await select({ first, second }, { ends: true })))
 */
export type SelectedOrEnd<R extends Receivers> = {
  [K in keyof R & string]:
    | [key: K, message: R[K] extends ReceivingEnd<infer T> ? T : never, ended: false]
    | [key: K, message: undefined, ended: true]
}[keyof R & string]

/**
 * Options of `merge`.
 *
 * @example
 * import { channel, type MergeOptions, merge } from 'wormhole-ipc'
 *
 * const [, jobs] = channel<number>()
 * const options: MergeOptions = { ends: true }
 * for await (const [key, , ended] of merge({ jobs }, options)) console.log(key, ended)
 */
export interface MergeOptions<Ends extends boolean = boolean> {
  /**
   * Whether the end of each receiver is a case beside the messages: it comes after the receiver's last message, in its
   * fair turn, and once: to one call, as a message does. @default false
   */
  ends?: Ends | undefined
}

/**
 * Options of `select`.
 *
 * @example
 * import { channel, type SelectOptions, select } from 'wormhole-ipc'
 *
 * const [, jobs] = channel<number>()
 * const options: SelectOptions = { ends: true, signal: AbortSignal.timeout(1000) }
 * const [key, message] = await select({ jobs }, options)
 */
export interface SelectOptions<Ends extends boolean = boolean> extends WaitOptions, MergeOptions<Ends> {}

/**
 * What `select` and `merge` give, by their option `ends`.
 *
 * @example
 * import { type Receivers, type SelectedWith, select } from 'wormhole-ipc'
 *
 * const next = <R extends Receivers>(receivers: R): Promise<SelectedWith<R, true>> => select(receivers, { ends: true })
 */
export type SelectedWith<R extends Receivers, Ends extends boolean> = Ends extends true ? SelectedOrEnd<R> : Selected<R>

/**
 * Receives the next message of any of several receivers, with its key. If several have one, the receiver served longest
 * ago comes first. Nothing is taken from the others. A receiver that has ended is skipped; once all have ended, this
 * rejects with ERR_WORMHOLE_DISCONNECTED. A message that fails rejects with its error, whose `key` names its receiver.
 *
 * With `{ ends: true }` an end is a case beside the messages, for who supervises several children: the result has a third
 * element, which is false for a message and true for the end of the key's receiver. Each end is told once, after the
 * receiver's last message; once all are told, this rejects with ERR_WORMHOLE_DISCONNECTED.
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
 *
 * const [from, text, ended] = await select({ stopped }, { ends: true })
 * console.log(ended ? `${from} has ended` : text.toUpperCase())
 */
export function select<R extends Receivers, Ends extends boolean = false>(
  receivers: R,
  options?: SelectOptions<Ends>
): Promise<SelectedWith<R, Ends>> {
  return choose(receivers, options) as Promise<SelectedWith<R, Ends>>
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

function choose(receivers: Receivers, options: SelectOptions | undefined): Promise<unknown> {
  try {
    const signal = signalOf(options, 'select')
    const ends = flagOf(options, 'ends', 'select')
    signal?.throwIfAborted()
    const candidates = candidatesOf('select', receivers)
    // Reading more may have to wait for a yield to the loop.
    return overBudget()
      ? quiet(yieldToLoop().then(() => pickLater(candidates, ends, signal)))
      : pick(candidates, ends, signal)
  } catch (error) {
    return rejected(error)
  }
}

/** Picks after a yield to the loop, during which receivers may have been closed or moved: what these hold is not ours. */
function pickLater(candidates: Candidate[], ends: boolean, signal: AbortSignal | undefined): Promise<unknown> {
  for (const { key, receiver } of candidates) queueOf(key, receiver)
  return pick(candidates, ends, signal)
}

/** Takes from the receiver with something that was served longest ago, or waits for the first that gets something. */
function pick(candidates: Candidate[], ends: boolean, signal: AbortSignal | undefined): Promise<unknown> {
  const ready = firstReady(candidates, ends)
  if (ready !== undefined) {
    const { key, queue } = ready
    const taken = ends && endsUntold(queue) ? tellEnd(key, queue) : takeFrom(key, queue, ends)
    return quiet(taken instanceof Later ? taken.promise : Promise.resolve(taken))
  }
  signal?.throwIfAborted()
  const choice = new Choice(candidates, ends)
  choice.wait(signal)
  return choice.promise
}

/** The candidate with something to take, or an end to tell, that was served longest ago. */
function firstReady(candidates: Candidate[], ends: boolean): Candidate | undefined {
  candidates.sort((a, b) => a.queue.lastServed - b.queue.lastServed)
  return candidates.find(({ key, receiver, queue }) => queueOf(key, receiver).ready() || (ends && endsUntold(queue)))
}

/** What a call that chose a message gives; the third element is there if it tells of ends. */
export type Taken = [key: string, message: unknown] | [key: string, message: unknown, ended: boolean]

/** Takes from a queue that has something. A WormholeError gets the key. */
export function takeFrom(key: string, queue: ReceiveQueue, ends: boolean): Taken | Later<Taken> {
  const mark = (error: unknown): never => {
    if (error instanceof WormholeError) error.key = key
    throw error
  }
  served++
  queue.lastServed = served
  try {
    const value = message.take(queue.batch, queue.settings.schema)
    return value instanceof Later ? value.map((settled) => taken(key, settled, ends), mark) : taken(key, value, ends)
  } catch (error) {
    return mark(error)
  }
}

function taken(key: string, message: unknown, ends: boolean): Taken {
  return ends ? [key, message, false] : [key, message]
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

  constructor(
    candidates: Candidate[],
    readonly ends: boolean
  ) {
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
    const { key, queue } = waiter
    if (this.ends && endsUntold(queue)) {
      this.taken(() => tellEnd(key, queue))
      return
    }
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
  readonly #choice: Choice

  constructor(
    choice: Choice,
    readonly key: string,
    readonly queue: ReceiveQueue
  ) {
    super()
    this.#choice = choice
  }

  override serve(): void {
    this.#choice.taken(() => takeFrom(this.key, this.queue, this.#choice.ends))
  }

  override end(): void {
    this.#choice.ended(this)
  }

  override fail(error: unknown): void {
    this.#choice.failed(withKey(error, this.key))
  }
}
