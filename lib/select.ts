import type { AsyncResource } from 'node:async_hooks'
import { onAbort } from './abort.js'
import { callerContext } from './caller.js'
import { argumentError, disconnectedError, WormholeError } from './errors.js'
import { Promise } from './globals.js'
import { Later } from './later.js'
import { signalOf } from './options.js'
import type { ReceiveQueue } from './receive-queue.js'
import { kQueue, Receiver } from './receiver.js'
import { quiet, rejected } from './rejected.js'
import { message } from './takings.js'
import { nextTurn, turnIsOver } from './turn.js'
import type { WaitOptions } from './types.js'
import { Waiter } from './waiter.js'

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
export type Receivers = Record<string, Receiver<unknown>>

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
  [K in keyof R & string]: [key: K, message: R[K] extends Receiver<infer T> ? T : never]
}[keyof R & string]

/**
 * The next message of any of several receivers, with its key. Where several have one, the receiver that was
 * served longest ago comes first. Nothing is taken from the others. A receiver that has come to its end is
 * passed over; once all have, this rejects with ERR_WORMHOLE_DISCONNECTED. A message that fails rejects with
 * its error, whose `key` tells which receiver it is from.
 *
 * @returns rejects with what `recv` rejects with; with ERR_WORMHOLE_ARGUMENT where there is no receiver to choose from
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
  return choose(receivers, options, () => {
    throw disconnectedError('Receiver')
  })
}

/**
 * The messages of several receivers with their keys, as they come, until all have come to their end. Fair as `select`.
 *
 * A step rejects with what `select` rejects with, except at the end; iterating anew goes on behind it.
 *
 * @example
 * import { channel, merge } from 'wormhole-ipc'
 *
 * const [, todo] = channel<{ id: number }>()
 * const [, stopped] = channel<string>()
 * for await (const [key, message] of merge({ todo, stopped })) {
 *   if (key === 'stopped') break
 *   console.log(message.id)
 * }
 */
export function merge<R extends Receivers>(receivers: R): AsyncIterableIterator<Selected<R>> {
  const ended = { done: true, value: undefined } as const
  const iteration: Iteration = { choices: new Set(), left: false }
  const iterator: AsyncIterableIterator<Selected<R>> = {
    next: () => {
      if (iteration.left) return Promise.resolve(ended)
      const chosen = choose<R, typeof ended>(receivers, undefined, () => ended, iteration)
      return quiet(chosen.then((value) => (value === ended ? ended : { done: false, value: value as Selected<R> })))
    },
    return: () => {
      iteration.left = true
      for (const choice of iteration.choices) choice.leave()
      return Promise.resolve(ended)
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator
}

/** What one `merge` has under way. */
interface Iteration {
  readonly choices: Set<Choice>
  /** Nobody wants more of it. */
  left: boolean
}

let served = 0

function choose<R extends Receivers, End = never>(
  receivers: R,
  options: WaitOptions | undefined,
  atEnd: () => End,
  iteration?: Iteration
): Promise<Selected<R> | End> {
  try {
    const signal = signalOf(options)
    signal?.throwIfAborted()
    const candidates = Object.entries(receivers).map(([key, receiver]) => {
      if (!(receiver instanceof Receiver)) throw argumentError(`select: "${key}" is not a Receiver`)
      return { key, queue: receiver[kQueue] }
    })
    if (candidates.length === 0) throw argumentError('select needs at least one receiver')
    candidates.sort((a, b) => a.queue.lastServed - b.queue.lastServed)
    const attempt = () => pick<R, End>(candidates, signal, atEnd, iteration)
    // Not what is here already but the reading of more is what may have to wait.
    return turnIsOver() ? quiet(nextTurn().then(attempt)) : attempt()
  } catch (error) {
    return rejected(error)
  }
}

/** Takes from whoever was served longest ago and has something, or waits for the first that gets it. */
function pick<R extends Receivers, End>(
  candidates: Candidate[],
  signal: AbortSignal | undefined,
  atEnd: () => End,
  iteration: Iteration | undefined
): Promise<Selected<R> | End> {
  if (iteration?.left === true) return Promise.resolve(atEnd())
  const ready = candidates.find(({ queue }) => queue.ready())
  if (ready !== undefined) return quiet(Promise.resolve(takeFrom(ready.key, ready.queue) as Promise<Selected<R>>))
  signal?.throwIfAborted()
  const choice = new Choice(candidates, atEnd, iteration)
  choice.wait(signal)
  return choice.promise as Promise<Selected<R> | End>
}

function takeFrom(key: string, queue: ReceiveQueue): [string, unknown] | Promise<[string, unknown]> {
  const mark = (error: unknown): never => {
    if (error instanceof WormholeError) error.key = key
    throw error
  }
  served++
  queue.lastServed = served
  try {
    const value = message.take(queue.batch, queue.settings.schema)
    return value instanceof Later ? value.promise.then((settled) => [key, settled], mark) : [key, value]
  } catch (error) {
    return mark(error)
  }
}

interface Candidate {
  key: string
  queue: ReceiveQueue
}

/** One `select` that waits in several receivers at once. */
class Choice {
  readonly promise: Promise<unknown>
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  readonly #atEnd: () => unknown
  readonly #waits: { waiter: SelectWaiter; queue: ReceiveQueue }[]
  readonly #iteration: Iteration | undefined
  /** What the schemas run in, if there are any. */
  readonly #caller: AsyncResource | null
  #stop: (() => void) | undefined

  constructor(candidates: Candidate[], atEnd: () => unknown, iteration: Iteration | undefined) {
    this.#atEnd = atEnd
    this.#iteration = iteration
    this.#caller = candidates.some(({ queue }) => queue.settings.schema !== undefined) ? callerContext() : null
    iteration?.choices.add(this)
    this.promise = quiet(
      new Promise((resolve, reject) => {
        this.#resolve = resolve
        this.#reject = reject
      })
    )
    this.#waits = candidates.map(({ key, queue }) => ({ waiter: new SelectWaiter(this, key, queue), queue }))
  }

  get waiting(): boolean {
    return this.#waits.length > 0
  }

  wait(signal: AbortSignal | undefined): void {
    try {
      for (const { waiter, queue } of [...this.#waits]) {
        if (queue.ended) this.ended(waiter)
        else queue.join(waiter)
      }
    } catch (error) {
      this.#leaveAll()
      throw error
    }
    if (signal !== undefined && this.#waits.length > 0) this.#stop = onAbort(signal, () => this.#abort(signal.reason))
  }

  /** Nobody wants the answer any more: waits nowhere, and takes nothing. */
  leave(): void {
    if (this.waiting) this.taken(this.#atEnd)
  }

  taken(take: () => unknown): void {
    this.#leaveAll()
    try {
      this.#resolve(this.#caller === null ? take() : this.#caller.runInAsyncScope(take))
    } catch (error) {
      this.#reject(error)
    }
  }

  ended(waiter: SelectWaiter): void {
    const index = this.#waits.findIndex((wait) => wait.waiter === waiter)
    this.#waits.splice(index, 1)
    if (!this.waiting) this.taken(this.#atEnd)
  }

  failed(error: unknown): void {
    this.#leaveAll()
    this.#reject(error)
  }

  /** As a receive that is aborted: a message that is there wins. */
  #abort(reason: unknown): void {
    for (const { queue } of [...this.#waits]) queue.serve()
    if (this.waiting) this.failed(reason)
  }

  #leaveAll(): void {
    this.#stop?.()
    this.#caller?.emitDestroy()
    this.#iteration?.choices.delete(this)
    for (const { waiter, queue } of this.#waits.splice(0)) queue.leave(waiter)
  }
}

class SelectWaiter extends Waiter {
  readonly #choice: Choice
  readonly #key: string
  readonly #queue: ReceiveQueue

  constructor(choice: Choice, key: string, queue: ReceiveQueue) {
    super()
    this.#choice = choice
    this.#key = key
    this.#queue = queue
  }

  override serve(): void {
    this.#choice.taken(() => takeFrom(this.#key, this.#queue))
  }

  override end(): void {
    this.#choice.ended(this)
  }

  override fail(error: unknown): void {
    this.#choice.failed(error)
  }
}
