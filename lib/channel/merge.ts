import { callerContext } from '../core/caller.js'
import { Promise } from '../core/globals.js'
import { Heap, List } from '../core/list.js'
import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import { flagOf } from '../core/options.js'
import { Later, quiet, rejected } from '../core/promises.js'
import { holdLoop } from '../os/poller.js'
import type { Feed } from '../receive/reader.js'
import { endsUntold, tellEnd } from './ends.js'
import { startLooking, staying } from './merge-idle.js'
import { ENDED, type Merge, type Result, Station, Step } from './merge-station.js'
import { candidatesOf, type MergeOptions, type Receivers, type SelectedWith, takeFrom, withKey } from './select.js'

/**
 * Iterates over the messages of several receivers, with their keys, as they arrive, until all receivers have ended. If
 * several have a message, the receiver served longest ago comes first, as in `select`.
 *
 * A step rejects with what `select` rejects with, except at the end; iterating again continues after the failed message.
 *
 * With `{ ends: true }` the end of each receiver is a step too, as with `select`: the third element is true. An end that
 * another call was told already is passed over.
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
 *
 * // Until both have ended:
 * for await (const [key, message, ended] of merge({ todo, stopped }, { ends: true })) {
 *   console.log(ended ? `${key} has ended` : message)
 * }
 */
export function merge<R extends Receivers, Ends extends boolean = false>(
  receivers: R,
  options?: MergeOptions<Ends>
): AsyncIterableIterator<SelectedWith<R, Ends>> {
  const merging = new Merging(receivers, options)
  const iterator = {
    next: () => merging.next(),
    return: () => {
      merging.leave()
      return Promise.resolve(ENDED)
    },
    throw: (error: unknown) => {
      merging.leave()
      return rejected(error)
    },
    [Symbol.asyncIterator]: () => iterator,
  }
  return iterator as AsyncIterableIterator<SelectedWith<R, Ends>>
}

/**
 * One `merge`. It stays subscribed to its receivers from one step to the next, and reads only those that may have
 * something: so a step costs the same however many there are.
 */
class Merging implements Merge {
  readonly #receivers: Receivers
  readonly #options: MergeOptions | undefined
  /** Whether a step tells of each end. */
  #ends = false
  /** The stations that have not ended, or whose end is still to be told; null while it is not subscribed. */
  #stations: Set<Station> | null = null
  /** The stations to look at, the one that was served longest ago first. */
  readonly #ready = new Heap<Station>()
  readonly #steps = new List<Step>()
  /** Those that want to know when their messages are done with. */
  readonly #feeds = new Set<Feed>()
  /** Stations whose waiting keeps the process alive. */
  #holders = 0
  #holds = false
  #looking = false
  #scheduled = false
  /** Whether a step was asked for since the timer last ran. */
  #used = false
  /** Goes round the stations, to look at those that nothing is known of. */
  #round: Iterator<Station> | undefined
  #left = false
  /** Whether a receiver has a schema, which is the caller's code. */
  #checks = false

  constructor(receivers: Receivers, options: MergeOptions | undefined) {
    this.#receivers = receivers
    this.#options = options
  }

  /** Whether steps wait that `#pump` is not serving now. */
  get wanting(): boolean {
    return this.#steps.size > 0 && !this.#looking
  }

  get ticket(): number {
    return this.#steps.first?.ticket ?? 0
  }

  next(): Promise<Result> {
    if (this.#left) return Promise.resolve(ENDED)
    this.#used = true
    if (this.#feeds.size > 0) for (const feed of this.#feeds) feed.settle(this)
    try {
      if (this.#stations === null) this.#gather()
      if (this.#steps.size === 0) {
        const station = this.#find()
        if (station !== undefined) return this.#take(station)
        if (this.#left || this.#stations?.size === 0) return Promise.resolve(ENDED)
      }
    } catch (error) {
      this.#dismantle()
      return rejected(error)
    }
    const step = new Step(this.#checks ? callerContext() : null)
    this.#steps.push(step)
    this.#hold()
    return step.promise
  }

  /** Leaves the receivers for good, and ends the steps that wait. */
  leave(): void {
    this.#left = true
    for (const feed of this.#feeds) feed.leave(this)
    this.#dismantle()
    for (const step of this.#steps) this.#settle(step).resolve(ENDED)
  }

  /** Called by a station: there is something for the first step. */
  serve(station: Station): void {
    const step = this.#steps.first
    if (step === null) return
    const take = () => this.#take(station)
    const { caller } = this.#settle(step)
    step.resolve(caller === null ? take() : caller.runInAsyncScope(take))
  }

  /** Called by a station: there may be something. */
  ready(station: Station): void {
    this.#ready.push(station)
  }

  /** Called by a station: its receiver has ended. */
  ended(station: Station): void {
    if (!this.#ends || !endsUntold(station.queue)) this.#drop(station)
    else if (this.wanting) this.serve(station)
    else station.list()
  }

  #drop(station: Station): void {
    this.#stations?.delete(station)
    this.holders(station.keepsAlive ? -1 : 0)
    if (this.#stations?.size !== 0) return
    for (const step of this.#steps) this.#settle(step).resolve(ENDED)
  }

  /** Called by a station: its receiver failed, or is closed, detached or moved. All steps that wait fail. */
  fail(error: unknown, key: string): void {
    this.#dismantle()
    for (const step of this.#steps) this.#settle(step).reject(withKey(error, key))
  }

  /** Changes the number of stations that keep the process alive. */
  holders(change: number): void {
    this.#holders += change
    this.#hold()
  }

  #gather(): void {
    this.#ends = flagOf(this.#options, 'ends', 'merge')
    const candidates = candidatesOf('merge', this.#receivers)
    this.#stations = new Set()
    this.#checks = candidates.some(({ queue }) => queue.settings.schema !== undefined)
    for (const [index, { key, queue }] of candidates.entries()) {
      if (queue.ended && !(this.#ends && endsUntold(queue))) continue
      // Of those that were never served, the first listed comes first.
      const station = new Station(this, key, queue, queue.lastServed + index / (candidates.length + 1))
      this.#stations.add(station)
      if (!queue.ended) queue.subscribe(station)
      if (queue.feed !== null) this.#feeds.add(queue.feed)
      this.#ready.push(station)
      if (station.keepsAlive) this.#holders++
    }
    staying.add(this)
    startLooking()
  }

  #dismantle(): void {
    for (const station of this.#stations ?? []) station.leave()
    this.#stations = null
    this.#round = undefined
    this.#ready.clear()
    this.#holders = 0
    this.#hold()
    staying.delete(this)
  }

  /** Leaves the receivers if unused: a loop that was left without `return()`, as at an error, must not stay forever. */
  releaseIfIdle(): void {
    if (!this.#used && this.#steps.size === 0) this.#dismantle()
    this.#used = false
  }

  /** Returns the station to take from; undefined if there is none, or reading has to wait for a yield to the loop. */
  #find(): Station | undefined {
    for (let station = this.#ready.first; station !== undefined; station = this.#ready.first) {
      const { queue } = station
      if (station.over) {
        this.#ready.shift()
        if (this.#stations?.has(station) !== true) continue
        if (endsUntold(queue)) return station
        this.#drop(station)
        continue
      }
      if (station.rank < queue.lastServed) {
        this.#ready.shift()
        station.rank = queue.lastServed
        this.#ready.push(station)
        continue
      }
      if (queue.batch.left === 0) {
        if (overBudget()) {
          this.#schedule()
          return undefined
        }
        // What it looks at may have ended, and come first then.
        if (this.#lookAround(station.rank) || this.#ready.first !== station) continue
      }
      this.#ready.shift()
      if ((queue.batch.left > 0 || queue.worthALook()) && queue.ready()) {
        if (this.#stations?.has(station) !== true) return undefined
        this.#ready.push(station)
        return station
      }
      if (this.#stations?.has(station) !== true) continue
      if (station.over) this.#ready.push(station)
      else station.arm()
    }
    return undefined
  }

  /**
   * Before one station is read, checks another, each in turn: true if it was served earlier and has something too. The
   * poller reports only when the event loop runs.
   */
  #lookAround(rank: number): boolean {
    if (this.#stations === null) return false
    let next = this.#round?.next()
    if (next === undefined || next.done === true) {
      this.#round = this.#stations.values()
      next = this.#round.next()
    }
    const station = next.done === true ? undefined : next.value
    if (station === undefined || !station.armed || station.queue.lastServed >= rank) return false
    return station.queue.ready()
  }

  #take(station: Station): Promise<Result> {
    const { key, queue } = station
    const { feed } = queue
    if (station.over) {
      const value = tellEnd(key, queue)
      this.#drop(station)
      return Promise.resolve({ done: false, value })
    }
    try {
      feed?.takeFor(this)
      const taken = takeFrom(key, queue, this.#ends)
      if (taken instanceof Later) return quiet(taken.map((value) => ({ done: false as const, value })).promise)
      return Promise.resolve({ done: false, value: taken })
    } catch (error) {
      // The error is the whole of what the loop gets of a bad message.
      feed?.settle(this)
      return rejected(error)
    } finally {
      feed?.takeFor(null)
    }
  }

  /** Removes a step that waits no longer, and returns it. */
  #settle(step: Step): Step {
    this.#steps.remove(step)
    this.#hold()
    step.caller?.emitDestroy()
    return step
  }

  /** Keeps the event loop going as long as a step waits and a station keeps the process alive. */
  #hold(): void {
    const holds = this.#holders > 0 && this.#steps.size > 0
    if (holds === this.#holds) return
    this.#holds = holds
    holdLoop(holds)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    void yieldToLoop().then(() => {
      this.#scheduled = false
      this.#pump()
    })
  }

  /** Serves the steps that wait with what is there. */
  #pump(): void {
    while (this.#steps.size > 0 && this.#stations !== null) {
      let station: Station | undefined
      this.#looking = true
      try {
        station = this.#find()
      } catch (error) {
        this.#dismantle()
        for (const step of this.#steps) this.#settle(step).reject(error)
      } finally {
        this.#looking = false
      }
      if (station === undefined) return
      this.serve(station)
    }
  }
}
