import type { Jsonify } from 'type-fest'
import { closeMoved } from '../calls/with-fds.js'
import { onAbort } from '../core/abort.js'
import { after, now } from '../core/clock.js'
import { argumentError, closedError, WormholeError } from '../core/errors.js'
import { Promise, setImmediate } from '../core/globals.js'
import { List } from '../core/list.js'
import { millisecondsOf, signalOf } from '../core/options.js'
import { isLeftOut } from '../wire/json.js'
import { Job, type RunOptions } from './job.js'
import { locate } from './locate.js'
import { mapped } from './map.js'
import { type PoolOptions, type Settings, settingsOf } from './options.js'
import { PoolProcess } from './process.js'

/** Milliseconds before the next process starts after one has died without an answer; doubled each time. */
const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 5000

/**
 * What a pool has done so far.
 *
 * @example
 * const { running, waiting } = jobs.stats()
 * console.log(`${running} jobs under way, ${waiting} wait`)
 */
export interface PoolStats {
  /** Processes that are there now. */
  processes: number
  /** Jobs that a process has. */
  running: number
  /** Jobs that wait for one. */
  waiting: number
  /** Jobs that resolved. */
  done: number
  /** Jobs that rejected. */
  failed: number
  /** How often a job was given to another process as its own had died. */
  retried: number
  /** Processes that ended unasked. */
  died: number
}

/**
 * Processes that run one module's function for job after job; what {@link pool} makes.
 *
 * @example
 * import { pool } from 'wormhole-ipc/pool'
 *
 * await using jobs = pool<number, number>('./double.js')
 * console.log(await jobs.run(21))
 */
export class Pool<Input = unknown, Output = unknown> implements AsyncDisposable {
  readonly #settings: Settings
  readonly #processes = new Set<PoolProcess>()
  readonly #waiting = new List<Job>()
  /** Which process has a job. */
  readonly #places = new Map<Job, PoolProcess>()
  readonly #counts = { done: 0, failed: 0, retried: 0, died: 0 }
  #lastId = 0
  #closing: Promise<void> | undefined
  /** Processes in a row that have died without an answer. */
  #stillborn = 0
  /** When the next process may start, on the clock of `now()`. */
  #notBefore = 0
  /** Cancels the timer that waits for it. */
  #pause: (() => void) | undefined
  readonly #events = {
    room: (worker: PoolProcess, job: Job, became: 'done' | 'failed' | null) => this.#onRoom(worker, job, became),
    dead: (worker: PoolProcess, jobs: Job[], error: WormholeError) => this.#onDead(worker, jobs, error),
  }

  /** @internal Use `pool()`. */
  constructor(settings: Settings) {
    this.#settings = settings
  }

  /**
   * Runs one job: in a process that has room, or once there is one.
   *
   * @returns rejects with ERR_WORMHOLE_CALL_THREW, whose `cause` is the function's error; ERR_WORMHOLE_CHILD_EXITED when
   * the process died; ERR_WORMHOLE_TIMEOUT; ERR_WORMHOLE_BUSY; ERR_WORMHOLE_UNSERIALIZABLE; ERR_WORMHOLE_CLOSED; or the
   * signal's reason
   *
   * @example
   * const report = await jobs.run({ year: 2026 }, { timeout: 5000 })
   */
  run(input: Input, options: RunOptions = {}): Promise<Jsonify<Output>> {
    return new Promise<unknown>((resolve, reject) => {
      if (this.#closing !== undefined) throw closedError('Pool')
      const signal = signalOf(options, 'run')
      signal?.throwIfAborted()
      const timeout = options.timeout === undefined ? this.#settings.timeout : millisecondsOf(options.timeout)
      if (options.fds !== undefined && !Array.isArray(options.fds)) throw argumentError('fds must be an array')
      if (isLeftOut(input)) {
        throw new WormholeError('ERR_WORMHOLE_UNSERIALIZABLE', `JSON has no text for an input of type ${typeof input}`)
      }
      this.#admit()
      const job = new Job(++this.#lastId, input, options, timeout, resolve, reject)
      if (signal !== undefined) job.unlisten = onAbort(signal, () => this.#abort(job, signal.reason))
      this.#waiting.push(job)
      this.#dispatch()
    }) as Promise<Jsonify<Output>>
  }

  /**
   * Runs a job for each input and gives what they return, in the order of the inputs. The iterable is asked for more
   * only as processes have room. Leaving the loop aborts what is under way; so does a job that fails, whose error it
   * throws.
   *
   * @example
   * for await (const size of jobs.map(['a.png', 'b.png'])) console.log(size)
   */
  map(
    inputs: Iterable<Input> | AsyncIterable<Input>,
    options: RunOptions = {}
  ): AsyncIterableIterator<Jsonify<Output>> {
    const { size, concurrency } = this.#settings
    return mapped(inputs, size * concurrency, options, (input, own) => this.run(input, own))
  }

  /**
   * Starts all the processes, which is otherwise done as jobs come, and resolves once each has imported the module.
   *
   * @returns rejects with ERR_WORMHOLE_CALL_THREW when the module cannot be imported or exports no function,
   * ERR_WORMHOLE_CHILD_EXITED, ERR_WORMHOLE_SYSTEM, or ERR_WORMHOLE_CLOSED
   *
   * @example
   * await jobs.ready()
   */
  async ready(): Promise<void> {
    if (this.#closing !== undefined) throw closedError('Pool')
    while (this.#active() < this.#settings.size) this.#start()
    await Promise.all([...this.#processes].filter(({ retiring }) => !retiring).map((worker) => worker.load()))
  }

  /**
   * Ends the pool: jobs that wait reject with ERR_WORMHOLE_CLOSED, those under way have `grace` to finish. Resolves
   * once every process is gone.
   *
   * @example
   * await jobs.close()
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * The same as `close()`, for `await using`.
   *
   * @example
   * import { pool } from 'wormhole-ipc/pool'
   *
   * await using jobs = pool('./job.js')
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * What this pool has done so far.
   *
   * @example
   * console.log(jobs.stats().died)
   */
  stats(): PoolStats {
    const running = this.#places.size
    return { processes: this.#processes.size, running, waiting: this.#waiting.size, ...this.#counts }
  }

  async #close(): Promise<void> {
    // Not within the call that sets #closing.
    await undefined
    this.#pause?.()
    for (const job of [...this.#waiting]) {
      this.#waiting.remove(job)
      this.#settle(job, { error: closedError('Pool') })
    }
    for (const worker of this.#processes) {
      worker.retire()
      worker.kill(this.#settings.grace)
    }
    while (this.#processes.size > 0) await Promise.all([...this.#processes].map(({ gone }) => gone))
  }

  /** Refuses a job where too many wait. */
  #admit(): void {
    const { size, concurrency, queue } = this.#settings
    const under = this.#places.size + this.#waiting.size
    if (under >= size * concurrency + queue) {
      throw new WormholeError('ERR_WORMHOLE_BUSY', `${this.#waiting.size} jobs wait already`)
    }
  }

  #active(): number {
    let active = 0
    for (const { retiring } of this.#processes) if (!retiring) active++
    return active
  }

  #start(): PoolProcess {
    const worker = new PoolProcess(this.#settings, this.#events)
    this.#processes.add(worker)
    return worker
  }

  /** The process with the fewest jobs, if it has room; one that starts, if there may be another. */
  #place(): PoolProcess | undefined {
    let best: PoolProcess | undefined
    let active = 0
    for (const worker of this.#processes) {
      if (worker.retiring) continue
      active++
      if (worker.jobs.size < (best?.jobs.size ?? this.#settings.concurrency)) best = worker
    }
    if (best !== undefined && best.jobs.size === 0) return best
    if (active >= this.#settings.size) return best
    const left = this.#notBefore - now()
    if (left <= 0) return this.#start()
    this.#pause ??= after(left, () => {
      this.#pause = undefined
      this.#dispatch()
    })
    return best
  }

  #dispatch(): void {
    while (this.#waiting.first !== null) {
      const worker = this.#place()
      if (worker === undefined) return
      this.#give(worker, this.#waiting.shift() as Job)
    }
  }

  #give(worker: PoolProcess, job: Job): void {
    this.#places.set(job, worker)
    worker.give(job, (value) => {
      if (!job.settled) job.options.onProgress?.(value)
    })
    if (worker.given >= this.#settings.recycle) worker.retiring = true
    const { timeout } = job
    if (timeout === Number.POSITIVE_INFINITY) return
    job.unschedule = after(timeout, () =>
      setImmediate(() => this.#abort(job, new WormholeError('ERR_WORMHOLE_TIMEOUT', `the job took over ${timeout} ms`)))
    )
  }

  #abort(job: Job, reason: unknown): void {
    if (job.settled) return
    const worker = this.#places.get(job)
    this.#waiting.remove(job)
    this.#settle(job, { error: reason })
    if (worker === undefined) closeMoved(job.options.fds ?? [])
    else worker.abort(job, reason)
  }

  #settle(job: Job, ended: { output: unknown } | { error: unknown }): void {
    if (job.settle(ended) && 'error' in ended) this.#counts.failed++
  }

  #onRoom(worker: PoolProcess, job: Job, became: 'done' | 'failed' | null): void {
    this.#stillborn = 0
    this.#places.delete(job)
    if (became !== null) this.#counts[became]++
    if (worker.retiring) worker.retire()
    this.#dispatch()
    const { idle } = this.#settings
    if (worker.jobs.size === 0 && !worker.retiring && idle !== Number.POSITIVE_INFINITY) {
      worker.unidle?.()
      worker.unidle = after(idle, () => worker.retire())
    }
  }

  #onDead(worker: PoolProcess, jobs: Job[], error: WormholeError): void {
    this.#processes.delete(worker)
    if (!worker.retiring || jobs.length > 0) this.#counts.died++
    if (worker.answered === 0) this.#wait()
    for (const job of jobs) {
      this.#places.delete(job)
      job.unschedule?.()
      if (job.settled) continue
      const again = job.deaths++ < this.#settings.retries && job.options.fds === undefined
      if (this.#closing !== undefined) this.#settle(job, { error: closedError('Pool') })
      else if (again) {
        this.#counts.retried++
        this.#waiting.push(job)
      } else this.#settle(job, { error })
    }
    this.#dispatch()
  }

  /** A process has died before it answered anything: the next shall not start at once. */
  #wait(): void {
    this.#notBefore = now() + Math.min(FIRST_PAUSE_MS * 2 ** this.#stillborn++, MAX_PAUSE_MS)
  }
}

/**
 * Makes a pool of processes that run a module's function: `export default (input, context) => output`, as for
 * `forkAndRun`. Inputs and outputs pass through JSON. `context` has `signal`, `progress` and `fds`. A process that
 * dies costs its own jobs, and is replaced. The pool keeps our process alive only while a job is under way.
 *
 * @param module a URL; or a path, relative to the file that calls this, or else to the working directory
 * @throws ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_UNSUPPORTED (in a single executable)
 *
 * @example
 * // double.js: export default (n) => 2 * n
 * import { pool } from 'wormhole-ipc/pool'
 *
 * await using jobs = pool<number, number>(new URL('./double.js', import.meta.url), { size: 2 })
 * console.log(await Promise.all([1, 2, 3].map((n) => jobs.run(n))))
 */
export function pool<Input = unknown, Output = unknown>(
  module: string | URL,
  options: PoolOptions = {}
): Pool<Input, Output> {
  return new Pool<Input, Output>(settingsOf(locate(module, pool), options))
}
