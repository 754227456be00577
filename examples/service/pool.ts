import { EventEmitter } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { PoolError } from './pool-error.js'
import type { Job } from './protocol.js'
import { Task } from './task.js'
import { WorkerProcess } from './worker-process.js'

/** How often a job is tried: one that always takes its worker with it must not go on for ever. */
export const MAX_TRIES = 5
/** The pause before a worker that ended before it was ready is replaced: doubled each time, in milliseconds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000

export interface PoolOptions {
  /** The workers' program. */
  program: URL
  workers: number
  /** How many jobs may wait for a worker. */
  queue: number
}

interface PoolEvents {
  started: [worker: WorkerProcess]
  ready: [worker: WorkerProcess]
  ended: [worker: WorkerProcess, how: string]
  /** A worker could not even be started. */
  failed: [error: Error]
  /** A job waits again, as its worker has died. */
  retried: [job: Job]
}

/** Worker processes that finish jobs, each one at a time. One that dies is replaced, and its job tried again. */
export class Pool extends EventEmitter<PoolEvents> {
  readonly #options: PoolOptions
  readonly #workers = new Set<WorkerProcess>()
  readonly #queue: Task[] = []
  readonly #closing = new AbortController()
  #places: Promise<unknown> = Promise.resolve()

  constructor(options: PoolOptions) {
    super()
    this.#options = options
  }

  get workers(): readonly WorkerProcess[] {
    return [...this.#workers]
  }

  /** How many jobs wait for a worker. */
  get queued(): number {
    return this.#queue.length
  }

  /** Resolves when all workers are ready. If one is not to be had, rejects, and none is left. */
  async start(): Promise<void> {
    const { workers } = this.#options
    let ready = 0
    try {
      await new Promise<void>((resolve, reject) => {
        this.on('ready', () => ++ready === workers && resolve())
        this.on('ended', ({ pid }, how) => reject(new Error(`worker ${pid} ended before all were ready: ${how}`)))
        this.on('failed', reject)
        this.#places = Promise.all(Array.from({ length: workers }, () => this.#place()))
      })
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * The factors of the job's number. When `signal` aborts, rejects with its reason; the job then waits no more,
   * and a worker that has begun with it is ended and replaced. Rejects with a {@link PoolError} otherwise.
   */
  async run(job: Job, signal: AbortSignal): Promise<number[]> {
    signal.throwIfAborted()
    if (this.#closing.signal.aborted) throw closed()
    if (this.#queue.length >= this.#options.queue) throw new PoolError('FULL', 'too many requests wait already')
    const task = new Task(job)
    const giveUp = () => this.#abandon(task, signal.reason)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      this.#queue.push(task)
      this.#dispatch()
      return await task.factors
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** Has the workers finish what they have in hand; resolves when they are gone. What waits for one is rejected. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const task of this.#queue.splice(0)) task.reject(closed())
    for (const worker of this.#workers) worker.finish()
    await this.#places
  }

  /** Ends the workers at once. */
  kill(): void {
    this.#closing.abort()
    for (const worker of this.#workers) worker.kill()
  }

  /** One place in the pool, with one worker after the other. */
  async #place(): Promise<void> {
    const { signal } = this.#closing
    let failures = 0
    while (!signal.aborted) {
      const served = await this.#employ()
      failures = served ? 0 : failures + 1
      if (served) continue
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)
      await delay(pause, undefined, { signal }).catch(() => undefined)
    }
  }

  /** One worker from its start to its end; resolves to whether it was ever ready. */
  async #employ(): Promise<boolean> {
    let worker: WorkerProcess
    try {
      worker = new WorkerProcess(this.#options.program)
    } catch (error) {
      this.emit('failed', error as Error)
      return false
    }
    this.#workers.add(worker)
    this.emit('started', worker)
    let known = false
    const how = await worker.follow(() => {
      if (!known) this.emit('ready', worker)
      known = true
      this.#dispatch()
    })
    this.#workers.delete(worker)
    this.emit('ended', worker, how)
    if (worker.task !== undefined) this.#retry(worker.task)
    return worker.ready
  }

  #dispatch(): void {
    for (const worker of this.#workers) {
      const task = worker.idle ? this.#queue.shift() : undefined
      if (task !== undefined) worker.give(task)
    }
  }

  /** The answer is not coming. A job without effects can be done again; ahead of the others, as it waits longest. */
  #retry(task: Task): void {
    if (this.#closing.signal.aborted) {
      task.reject(closed())
    } else if (task.tries === MAX_TRIES) {
      task.reject(new PoolError('LOST', `${task.tries} workers died with this job`))
    } else {
      this.#queue.unshift(task)
      this.emit('retried', task.job)
      this.#dispatch()
    }
  }

  #abandon(task: Task, reason: unknown): void {
    task.reject(reason)
    const place = this.#queue.indexOf(task)
    if (place >= 0) this.#queue.splice(place, 1)
    const worker = this.workers.find((worker) => worker.task === task)
    if (worker === undefined) return
    worker.task = undefined
    worker.kill()
  }
}

function closed(): PoolError {
  return new PoolError('CLOSED', 'the service is stopping')
}
