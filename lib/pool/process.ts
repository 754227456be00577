import { type Outcome, outcomeOf } from '../calls/answers.js'
import { tellProgress } from '../calls/call.js'
import type { Arrived } from '../calls/forms.js'
import { closeAll } from '../calls/with-fds.js'
import { after, now } from '../core/clock.js'
import { WormholeError } from '../core/errors.js'
import { nextTick, Promise, queueMicrotask } from '../core/globals.js'
import { List } from '../core/list.js'
import { NumberedSet } from '../core/numbered.js'
import { quiet } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import type { Poster } from '../send/send-request.js'
import { reasonFor } from './abort-reason.js'
import { follow, unfollow } from './at-exit.js'
import { END_GRACE_MS, WorkerChild } from './child.js'
import type { Job } from './job.js'
import type { Settings } from './options.js'
import { Pace } from './pace.js'
import { IMPORT, type Task } from './protocol.js'
import type { WorkerChannels } from './worker-channels.js'

/** What a process reports to its pool. */
export interface Events {
  /** A job that was handed ahead may have begun. */
  begun(job: Job): void
  /** A job has ended, settled earlier or not: there is room for another. */
  room(worker: PoolProcess, became: 'done' | 'failed' | null): void
  /** The process has exited; of its unanswered jobs, `begun` may have begun, and `unbegun` have not. */
  dead(worker: PoolProcess, begun: Job[], unbegun: Job[], error: unknown): void
}

/** One process of a pool and the jobs that it has. */
export class PoolProcess implements Poster {
  /** The other processes are at work while jobs are gathered for this one. */
  readonly eager = false
  /** All its jobs, by number. */
  readonly jobs = new NumberedSet<Job>()
  /** Jobs handed ahead, beyond those that it may run: they wait in its channel. */
  readonly ahead = new List<Job>()
  /** Jobs that it was given. */
  given = 0
  /** Jobs that it has answered. */
  answered = 0
  /** The value of `answered` when the pool last checked whether jobs wait here for a slow one. */
  answeredBefore = 0
  /** Whether it gets no more jobs. */
  retiring = false
  /** Cancels the timer of an idle process. */
  unidle: (() => void) | undefined
  /** Resolves once it has exited. */
  readonly gone: Promise<void>
  readonly #child: WorkerChild
  readonly #settings: Settings
  readonly #events: Events
  readonly #pace = new Pace()
  #lastNumber = IMPORT
  /** Jobs that cannot be taken back: their input is long, or they have descriptors. */
  #alone = 0
  /** The number of jobs ahead when the channel was last full. */
  #room = Number.POSITIVE_INFINITY
  #loads = 0
  #held = true
  #unkill: (() => void) | undefined
  /** Settles with the import of the module. */
  readonly #loaded: Promise<void>
  #endLoad!: (outcome: Outcome) => void
  #isLoaded = false
  /** Whether a job was aborted here. */
  #hasAborted = false
  #over = false

  constructor(settings: Settings, events: Events) {
    this.#settings = settings
    this.#events = events
    this.#loaded = quiet(
      new Promise<void>((resolve, reject) => {
        this.#endLoad = (outcome) => ('error' in outcome ? reject(outcome.error) : resolve())
      })
    )
    this.#child = new WorkerChild(settings, (form, fds, failed) => this.#onMessage(form, fds, failed))
    follow(this)
    // Its jobs settle with how it ended, which is known soon after its channels end.
    void this.#child.silent.then(() => {
      if (!this.retiring || this.jobs.size > 0) this.kill(END_GRACE_MS)
    })
    this.gone = this.#child.ended.then((error) => this.#onEnd(error))
    this.#unrefSoon()
  }

  /** Whether it has exited; its output may still be read. */
  get exited(): boolean {
    return this.#child.exited
  }

  /** Jobs that it may have begun. */
  get under(): number {
    return this.jobs.size - this.ahead.size
  }

  /** How many more jobs it may be handed ahead. */
  get spare(): number {
    return this.#mostAhead - this.ahead.size
  }

  /** Whether it has less than half of the jobs ahead that it may have. */
  get low(): boolean {
    return this.spare > this.ahead.size
  }

  get #mostAhead(): number {
    return this.#alone > 0 ? 0 : Math.min(this.#pace.ahead, this.#room)
  }

  #onEnd(error: unknown): void {
    this.#over = true
    unfollow(this)
    this.#unkill?.()
    this.unidle?.()
    // If it died before it could run a job, its death counts for all its jobs.
    const unbegun = this.#isLoaded || this.#hasAborted ? this.takeBack() : []
    const begun = this.jobs.all()
    for (const job of begun) {
      this.ahead.remove(job)
      this.jobs.delete(job)
    }
    this.#child.channels?.close()
    this.#endLoad({ error })
    this.#events.dead(this, begun, unbegun, error)
  }

  #onMessage(form: Arrived, fds: readonly OwnedFd[], failed: WormholeError | undefined): void {
    if (form.answer === IMPORT) {
      this.#isLoaded = true
      this.#unkillIfQuiet()
      closeAll(fds)
      this.#endLoad(this.#explained(outcomeOf(form, [], () => 'the import')))
      return
    }
    const job = this.jobs.get(form.answer ?? form.progress)
    if (job === undefined || job.settled) {
      closeAll(fds)
      if (form.answer !== undefined && job !== undefined) this.#done(job, { output: undefined })
    } else if (form.answer !== undefined) {
      this.#done(job, this.#explained(failed === undefined ? outcomeOf(form, fds, () => 'the job') : { error: failed }))
    } else {
      closeAll(fds)
      tellProgress(job.options.onProgress, form.value)
    }
  }

  /** Resolves once the module is imported. */
  async load(): Promise<void> {
    this.#loads++
    this.#hold()
    try {
      await this.#loaded
    } finally {
      this.#loads--
      this.#unrefSoon()
    }
  }

  /** Gives it a job to begin, for which it has room. */
  give(job: Job): void {
    this.#number(job)
    this.unidle?.()
    if (this.jobs.size === 0) {
      this.#pace.start(now())
      this.#room = Number.POSITIVE_INFINITY
      this.#hold()
    }
    this.jobs.add(job)
    const { channels } = this.#child
    if (channels === undefined) return
    try {
      if (job.options.fds === undefined && this.#tryGive(channels, job)) {
        job.alone = false
        return
      }
      job.alone = true
      this.#alone++
      channels.give(job).catch((error: unknown) => this.#refused(job, error))
    } catch (error) {
      queueMicrotask(() => this.#refused(job, error))
    }
  }

  #tryGive(channels: WorkerChannels, job: Job): boolean {
    return this.#settings.concurrency > 1 ? channels.tryPost(job, this) : channels.tryGive(job)
  }

  /** Called by the channel: a job was not sent. */
  onUnsent(id: number, error: unknown): void {
    const job = this.jobs.get(id)
    if (job !== undefined) this.#refused(job, error)
  }

  /** Hands it a job ahead, beyond those that it may run; returns false if that is not possible. */
  giveAhead(job: Job): boolean {
    const { id } = job
    this.#number(job)
    try {
      if (this.#child.channels?.tryGive(job) === true) {
        this.jobs.add(job)
        this.ahead.push(job)
        return true
      }
      this.#room = this.ahead.size
    } catch {
      // The error is reported once the job's turn has come.
      job.alone = true
    }
    if (this.ahead.size === 0) job.alone = true
    job.worker = undefined
    job.id = id
    this.given--
    return false
  }

  #number(job: Job): void {
    this.given++
    job.worker = this
    job.id = ++this.#lastNumber
  }

  /** Takes back all jobs that it has not read, handed ahead or not: it will never begin them. */
  takeBack(): Job[] {
    const back: Job[] = []
    if (this.#alone > 0) return back
    const probes: Task[] = []
    for (let task = this.#child.channels?.takeBack(); task !== undefined; task = this.#child.channels?.takeBack()) {
      const job = this.jobs.get(task.job)
      if (task.isProbe) probes.push(task)
      if (task.isProbe || job === undefined) continue
      this.jobs.delete(job)
      this.ahead.remove(job)
      job.worker = undefined
      back.push(job)
    }
    for (const probe of probes) this.#child.channels?.tryProbe(probe)
    this.given -= back.length
    this.#pace.unknown()
    // It has read the others.
    while (this.ahead.size > 0) this.#promote()
    if (this.jobs.size === 0) this.#unrefSoon()
    return back
  }

  /** Handles a job that could not be sent. */
  #refused(job: Job, error: unknown): void {
    if (this.jobs.get(job.id) !== job || this.#over) return
    // The end of the process settles the job.
    if (tellsOfEnd(error)) this.kill(END_GRACE_MS)
    else this.#done(job, { error })
  }

  #done(job: Job, outcome: Outcome): void {
    this.jobs.delete(job)
    if (job.alone) this.#alone--
    this.answered++
    this.#pace.note(now())
    if (job.list === null) this.#promote()
    else this.ahead.remove(job)
    if (job.settled) this.#unkillIfQuiet()
    const became = job.settle(outcome) ? ('output' in outcome ? 'done' : 'failed') : null
    if (this.jobs.size === 0) this.#unrefSoon()
    this.#events.room(this, became)
  }

  /** Moves the first job ahead to those that may have begun. */
  #promote(): void {
    const next = this.ahead.shift()
    if (next !== null) this.#events.begun(next)
  }

  /**
   * Aborts a job that is settled here: the process has `grace` to end it, or the import if it waited for that.
   *
   * @param due whether the process was free to begin it: if it has not read it, it must show that it reads at all
   */
  abort(job: Job, reason: unknown, due: boolean): void {
    this.#hasAborted = true
    if (job.worker !== undefined) this.#child.channels?.order({ abort: job.id, ...reasonFor(reason) })
    else if (this.#isLoaded && !(due && this.#probe(job))) return
    this.kill(this.#settings.grace)
  }

  /** Gives it a number to answer without a job; returns false if its channel is full or has ended. */
  #probe(job: Job): boolean {
    job.id = ++this.#lastNumber
    if (this.#child.channels?.tryProbe({ job: job.id, isProbe: true }) !== true) return false
    this.jobs.add(job)
    return true
  }

  #unkillIfQuiet(): void {
    for (const job of this.jobs.all()) if (job.settled) return
    if (this.retiring) return
    this.#unkill?.()
    this.#unkill = undefined
  }

  /** Kills it after `grace` milliseconds, unless an earlier call set the time. */
  kill(grace: number): void {
    this.#unkill ??= after(grace, () => this.killNow())
  }

  killNow(): void {
    this.#child.kill()
  }

  /** Gives it no more jobs: it ends once it has none, and is killed after `grace` if it does not. */
  retire(): void {
    this.retiring = true
    this.unidle?.()
    if (this.jobs.size > 0) return
    this.#hold()
    this.#child.channels?.end()
    this.kill(this.#settings.grace)
  }

  /** Keeps our process alive while it has jobs. */
  #hold(): void {
    if (this.#held || this.#over) return
    this.#held = true
    this.#child.ref()
  }

  /** Lets our process end if no job is left, checked once everything that the last answer set off has run. */
  #unrefSoon(): void {
    nextTick(unrefIfIdle, this)
  }

  /** @internal */
  unrefIfIdle(): void {
    if (!this.#held || this.jobs.size > 0 || this.#loads > 0 || this.retiring || this.#over) return
    this.#held = false
    this.#child.unref()
  }

  /** Adds to an error what the process has written to its standard error. */
  #explained(outcome: Outcome): Outcome {
    if (!('error' in outcome)) return outcome
    const { stderr } = this.#child
    if (outcome.error instanceof WormholeError && stderr !== '') Object.assign(outcome.error, { stderr })
    return outcome
  }
}

function unrefIfIdle(worker: PoolProcess): void {
  worker.unrefIfIdle()
}

/** Whether a job could not be sent because the process has ended. */
function tellsOfEnd(error: unknown): boolean {
  const { code } = error as WormholeError
  return code === 'ERR_WORMHOLE_DISCONNECTED' || code === 'ERR_WORMHOLE_CLOSED'
}
