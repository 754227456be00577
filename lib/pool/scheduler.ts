import { closeMoved } from '../calls/with-fds.js'
import { after, now, within } from '../core/clock.js'
import { closedError, WormholeError } from '../core/errors.js'
import { nextTick, Promise, setImmediate } from '../core/globals.js'
import { List } from '../core/list.js'
import type { Job } from './job.js'
import type { Settings } from './options.js'
import { PoolProcess } from './process.js'
import type { PoolStats } from './stats.js'

/** Milliseconds before the next process starts after one has died without an answer; doubled each time. */
const FIRST_PAUSE_MS = 20
const MAX_PAUSE_MS = 5000
/** Milliseconds without an answer from a process, after which the jobs that were handed ahead to it are taken back. */
const LOOK_MS = 5

/** Decides which process of a pool gets which job. */
export class Scheduler {
  readonly #settings: Settings
  readonly #processes = new Set<PoolProcess>()
  readonly #waiting = new List<Job>()
  readonly #counts = { done: 0, failed: 0, retried: 0, died: 0 }
  #closing = false
  readonly #closed: Promise<void>
  #endPauses!: () => void
  /** Processes in a row that have died without an answer. */
  #diedAtStart = 0
  /** When the next process may start, on the clock of `now()`. */
  #notBefore = 0
  /** Cancels the timer that starts it. */
  #pause: (() => void) | undefined
  /** Whether jobs are to be handed ahead at the end of this tick. */
  #handing = false
  /** Cancels the next look at the jobs that were handed ahead. */
  #unlook: (() => void) | undefined
  readonly #events = {
    begun: (job: Job) => this.#begin(job),
    room: (worker: PoolProcess, became: 'done' | 'failed' | null) => this.#onRoom(worker, became),
    dead: (worker: PoolProcess, begun: Job[], unbegun: Job[], error: unknown) =>
      this.#onDead(worker, begun, unbegun, error),
  }

  constructor(settings: Settings) {
    this.#settings = settings
    this.#closed = new Promise((resolve) => {
      this.#endPauses = resolve
    })
  }

  stats(): PoolStats {
    let running = 0
    let waiting = this.#waiting.size
    for (const { under, ahead } of this.#processes) {
      running += under
      waiting += ahead.size
    }
    return { processes: this.#processes.size, running, waiting, ...this.#counts }
  }

  /** @throws ERR_WORMHOLE_BUSY if too many wait */
  add(job: Job): void {
    const { size, concurrency, queue } = this.#settings
    let all = this.#waiting.size
    for (const { jobs } of this.#processes) all += jobs.size
    if (all >= size * concurrency + queue) {
      throw new WormholeError('ERR_WORMHOLE_BUSY', `${this.stats().waiting} jobs wait already`)
    }
    this.#waiting.push(job)
    this.#dispatch()
  }

  /** Settles a job before its end. */
  abort(job: Job, reason: unknown): void {
    if (job.settled) return
    const { worker } = job
    this.#settle(job, { error: reason })
    if (worker === undefined) {
      this.#waiting.remove(job)
      closeMoved(job.options.fds ?? [])
      return
    }
    // The process was free to begin it: if it has not even read it, its event loop may be blocked.
    const due = job.list === null
    this.#takeBack(worker as PoolProcess)
    worker.abort(job, reason, due)
    this.#dispatch()
  }

  /** Starts all processes, after the pause that a failed start leaves; resolves once each has imported the module. */
  async loadAll(): Promise<void> {
    for (let left = this.#pauseLeft(); left > 0; left = this.#pauseLeft()) {
      await within(left, this.#closed)
      if (this.#closing) throw closedError('Pool', 'closed')
    }
    while (this.#active() < this.#settings.size) this.#start()
    await Promise.all([...this.#processes].filter(({ retiring }) => !retiring).map((worker) => worker.load()))
  }

  /** Rejects waiting jobs, leaves those under way `grace` to finish, and resolves once every process has exited. */
  async close(): Promise<void> {
    this.#closing = true
    this.#endPauses()
    // The caller must get the promise first.
    await undefined
    this.#pause?.()
    this.#unlook?.()
    for (const worker of this.#processes) if (worker.ahead.size > 0) this.#keepBegun(worker)
    this.#closeWaiting()
    for (const worker of this.#processes) {
      worker.retire()
      worker.kill(this.#settings.grace)
    }
    while (this.#processes.size > 0) await Promise.all([...this.#processes].map(({ gone }) => gone))
  }

  #closeWaiting(): void {
    for (const job of this.#waiting) {
      this.#waiting.remove(job)
      this.#settle(job, { error: closedError('Pool', 'closed') })
      closeMoved(job.options.fds ?? [])
    }
  }

  /** Takes back jobs that were handed ahead, and leaves those given to be begun. */
  #keepBegun(worker: PoolProcess): void {
    const ahead = new Set(worker.ahead)
    for (const job of worker.takeBack()) {
      if (ahead.has(job)) this.#waiting.push(job)
      else worker.give(job)
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

  /** Returns the process with the fewest jobs, if it has room; starts one if all are busy and there may be another. */
  #place(): PoolProcess | undefined {
    let best: PoolProcess | undefined
    let active = 0
    for (const worker of this.#processes) {
      if (worker.retiring) continue
      active++
      if (worker.exited) continue
      if (worker.under < (best?.under ?? this.#settings.concurrency)) best = worker
    }
    if (best !== undefined && best.under === 0) return best
    if (active >= this.#settings.size) return best
    const left = this.#pauseLeft()
    if (left <= 0) return this.#start()
    this.#pause ??= after(left, () => {
      this.#pause = undefined
      this.#dispatch()
    })
    return best
  }

  /** Gives waiting jobs to processes that have room. */
  #dispatch(): void {
    if (this.#closing) this.#closeWaiting()
    for (let job = this.#waiting.first; job !== null; job = this.#waiting.first) {
      const worker = this.#place()
      if (worker === undefined) {
        this.#handAheadLater()
        return
      }
      this.#waiting.remove(job)
      worker.give(job)
      this.#begin(job)
      this.#retireIfSpent(worker)
    }
  }

  /** Hands jobs ahead once all answers here have been read: so a sleeping process is woken once for several jobs. */
  #handAheadLater(): void {
    if (this.#handing) return
    this.#handing = true
    nextTick(handAhead, this)
  }

  /** @internal */
  handAhead(): void {
    this.#handing = false
    // Only those with less than half of theirs left, so that several jobs are given together.
    const low = [...this.#processes].filter((worker) => !worker.retiring && !worker.exited && worker.low)
    while (low.length > 0) {
      const job = this.#waiting.first
      if (job === null || job.alone) return
      let at = 0
      for (let other = 1; other < low.length; other++) {
        if ((low[other] as PoolProcess).ahead.size < (low[at] as PoolProcess).ahead.size) at = other
      }
      const worker = low[at] as PoolProcess
      this.#waiting.remove(job)
      if (!worker.giveAhead(job)) this.#waiting.unshift(job)
      this.#retireIfSpent(worker)
      if (worker.spare <= 0 || worker.retiring || job.worker === undefined) low.splice(at, 1)
      this.#lookLater()
    }
  }

  #retireIfSpent(worker: PoolProcess): void {
    if (worker.given >= this.#settings.recycle) worker.retiring = true
  }

  /** Starts the job's timeout. */
  #begin(job: Job): void {
    const { timeout } = job
    if (timeout === Number.POSITIVE_INFINITY) return
    job.unschedule = after(timeout, () =>
      setImmediate(() => this.abort(job, new WormholeError('ERR_WORMHOLE_TIMEOUT', `the job took over ${timeout} ms`)))
    )
  }

  /** Takes back the jobs that a process has not read, and puts them first in the queue. */
  #takeBack(worker: PoolProcess): void {
    for (const job of worker.takeBack().reverse()) {
      job.unschedule?.()
      if (!job.settled) this.#waiting.unshift(job)
    }
    this.#endIfIdle(worker)
  }

  #lookLater(): void {
    // Answers that have arrived are read first: after a long busy spell Node runs timers before it polls.
    this.#unlook ??= after(LOOK_MS, () => setImmediate(() => this.#look()))
  }

  /** Takes back jobs handed ahead to a process that has answered none since the last look: they wait for a slow one. */
  #look(): void {
    this.#unlook = undefined
    let ahead = false
    for (const worker of this.#processes) {
      if (worker.ahead.size === 0) continue
      if (worker.answered === worker.answeredBefore) this.#takeBack(worker)
      worker.answeredBefore = worker.answered
      ahead ||= worker.ahead.size > 0
    }
    if (ahead) this.#lookLater()
    this.#dispatch()
  }

  /** Takes back jobs that wait in the process with most of them: another has nothing to do. */
  #share(): void {
    let most: PoolProcess | undefined
    for (const worker of this.#processes) if (worker.ahead.size > (most?.ahead.size ?? 0)) most = worker
    if (most === undefined) return
    this.#takeBack(most)
    this.#dispatch()
  }

  #settle(job: Job, ended: { output: unknown } | { error: unknown }): void {
    if (job.settle(ended) && 'error' in ended) this.#counts.failed++
  }

  #onRoom(worker: PoolProcess, became: 'done' | 'failed' | null): void {
    this.#diedAtStart = 0
    if (became !== null) this.#counts[became]++
    this.#dispatch()
    if (worker.jobs.size === 0 && !worker.retiring) this.#share()
    this.#endIfIdle(worker)
  }

  /** Ends a process without jobs: immediately if it is retiring, else after `idle`. */
  #endIfIdle(worker: PoolProcess): void {
    const { idle } = this.#settings
    if (worker.jobs.size > 0) return
    if (worker.retiring) worker.retire()
    if (worker.retiring || idle === Number.POSITIVE_INFINITY) return
    worker.unidle?.()
    worker.unidle = after(idle, () => worker.retire())
  }

  #onDead(worker: PoolProcess, begun: Job[], unbegun: Job[], error: unknown): void {
    this.#processes.delete(worker)
    if (!worker.retiring || begun.length > 0) this.#counts.died++
    if (worker.answered === 0) this.#wait()
    for (const job of unbegun.reverse()) {
      job.unschedule?.()
      if (!job.settled) this.#waiting.unshift(job)
    }
    for (const job of begun) {
      job.worker = undefined
      job.unschedule?.()
      if (job.settled) continue
      const again = job.deaths++ < this.#settings.retries && job.options.fds === undefined
      if (this.#closing) this.#settle(job, { error: closedError('Pool', 'closed') })
      else if (again) {
        this.#counts.retried++
        this.#waiting.push(job)
      } else this.#settle(job, { error })
    }
    this.#dispatch()
  }

  #pauseLeft(): number {
    return this.#notBefore - now()
  }

  /** Delays the next start: a process has died before it answered anything. */
  #wait(): void {
    this.#notBefore = now() + Math.min(FIRST_PAUSE_MS * 2 ** this.#diedAtStart++, MAX_PAUSE_MS)
  }
}

function handAhead(scheduler: Scheduler): void {
  scheduler.handAhead()
}
