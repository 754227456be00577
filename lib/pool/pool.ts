import type { Jsonify } from 'type-fest'
import { assertSendable } from '../calls/call.js'
import { onAbort } from '../core/abort.js'
import { closedError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { millisecondsOf, signalOf } from '../core/options.js'
import { Job, type RunOptions } from './job.js'
import { locate } from './locate.js'
import { mapped } from './map.js'
import { type PoolOptions, type Settings, settingsOf } from './options.js'
import { Scheduler } from './scheduler.js'
import type { PoolStats } from './stats.js'

/**
 * Processes that run one module's function for job after job, as {@link pool} makes them.
 *
 * @example
 * import { pool } from 'wormhole-ipc/pool'
 *
 * await using jobs = pool<number, number>('./double.js')
 * console.log(await jobs.run(21))
 */
export class Pool<Input = unknown, Output = unknown> implements AsyncDisposable {
  readonly #settings: Settings
  readonly #scheduler: Scheduler
  #closing: Promise<void> | undefined

  /** @internal Use `pool()`. */
  constructor(settings: Settings) {
    this.#settings = settings
    this.#scheduler = new Scheduler(settings)
  }

  /**
   * Runs one job, as soon as a process has room for it.
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
      if (this.#closing !== undefined) throw closedError('Pool', 'closed')
      const signal = signalOf(options, 'run')
      signal?.throwIfAborted()
      const timeout = options.timeout === undefined ? this.#settings.timeout : millisecondsOf(options.timeout)
      assertSendable(input, options)
      const job = new Job(input, options, timeout, resolve, reject)
      this.#scheduler.add(job)
      if (signal !== undefined && !job.settled) {
        job.unlisten = onAbort(signal, () => this.#scheduler.abort(job, signal.reason))
      }
    }) as Promise<Jsonify<Output>>
  }

  /**
   * Runs a job for each input and yields the outputs in the order of the inputs. Takes inputs from the iterable only as
   * processes have room. Leaving the loop aborts the jobs under way; so does a job that fails, whose error is thrown.
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
   * Starts all processes now rather than as jobs are submitted; resolves once each has imported the module.
   *
   * @returns rejects with ERR_WORMHOLE_CALL_THREW when the module cannot be imported or exports no function,
   * ERR_WORMHOLE_CHILD_EXITED, ERR_WORMHOLE_SYSTEM, or ERR_WORMHOLE_CLOSED
   *
   * @example
   * await jobs.ready()
   */
  async ready(): Promise<void> {
    if (this.#closing !== undefined) throw closedError('Pool', 'closed')
    await this.#scheduler.loadAll()
  }

  /**
   * Ends the pool: waiting jobs reject with ERR_WORMHOLE_CLOSED, those under way have `grace` to finish. Resolves once
   * every process has exited.
   *
   * @example
   * await jobs.close()
   */
  close(): Promise<void> {
    this.#closing ??= this.#scheduler.close()
    return this.#closing
  }

  /**
   * Ends the pool as `close()` does, for `await using`.
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
   * Returns what this pool has done so far.
   *
   * @example
   * console.log(jobs.stats().died)
   */
  stats(): PoolStats {
    return this.#scheduler.stats()
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
