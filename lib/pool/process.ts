import type { ChildProcess } from 'node:child_process'
import { type Caller, caller } from '../calls/caller.js'
import { link } from '../calls/make-link.js'
import type { Link } from '../channel/link.js'
import { ChildError } from '../core/carried-error.js'
import { after } from '../core/clock.js'
import { say } from '../core/describe.js'
import { WormholeError } from '../core/errors.js'
import { Promise, queueMicrotask } from '../core/globals.js'
import { MESSAGE_LIMIT } from '../core/options.js'
import { poolWorkerFile } from '../core/package-files.js'
import { STDERR_GRACE_MS, Tail } from '../process/child-output.js'
import { failedStart, spawn } from '../process/spawn.js'
import type { Job } from './job.js'
import type { Settings } from './options.js'
import { POOL, type WorkerApi } from './protocol.js'

/** How long a process whose link is over may take to end, in milliseconds. */
const LINK_GRACE_MS = 1000

/** What a process tells its pool. */
export interface Events {
  /** A job is over, whether or not anybody waits for it: there is room for another. */
  room(worker: PoolProcess, job: Job, became: 'done' | 'failed' | null): void
  /** The process is gone, and these of its jobs have no answer. */
  dead(worker: PoolProcess, jobs: Job[], error: WormholeError): void
}

/** One process of a pool and the jobs that it has. */
export class PoolProcess {
  readonly jobs = new Set<Job>()
  /** Jobs that it was given. */
  given = 0
  /** Jobs that it has answered. */
  answered = 0
  /** No more jobs are given to it. */
  retiring = false
  /** Cancels the timer of an idle process. */
  unidle: (() => void) | undefined
  /** Resolves once it is gone. */
  readonly gone: Promise<void>
  readonly #child: ChildProcess | undefined
  readonly #link: Link
  readonly #api: Caller<WorkerApi>
  readonly #settings: Settings
  readonly #events: Events
  #unkill: (() => void) | undefined
  #stderr: Tail | undefined
  /** How it ended. */
  #error: WormholeError | undefined

  constructor(settings: Settings, events: Events) {
    this.#settings = settings
    this.#events = events
    const [ours, theirs] = link({ maxMessageBytes: MESSAGE_LIMIT })
    this.#link = ours
    this.#api = caller<WorkerApi>(ours)
    let failure: unknown
    try {
      const { execArgv, module, args, env, cwd } = settings
      this.#child = spawn(process.execPath, [...execArgv, poolWorkerFile, module, ...args], {
        stdio: ['ignore', 'inherit', 'pipe'],
        env,
        ...(cwd === undefined ? {} : { cwd }),
        channels: { [POOL]: theirs },
      })
    } catch (error) {
      failure = error
    }
    theirs.sender.close()
    theirs.receiver.close()
    this.gone = new Promise((resolve) => {
      this.#follow(failure, resolve)
    })
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  #follow(failure: unknown, resolve: () => void): void {
    const child = this.#child
    const over = (error: WormholeError) => {
      this.#unkill?.()
      this.unidle?.()
      this.#error = error
      this.#link.sender.close()
      this.#link.receiver.close()
      const jobs = [...this.jobs]
      this.jobs.clear()
      resolve()
      this.#events.dead(this, jobs, error)
    }
    if (child === undefined) {
      queueMicrotask(() => over(startError(failure)))
      return
    }
    // It keeps our process alive no longer than a job does.
    child.unref()
    child.on('error', (error) => {
      if (child.pid === undefined) over(startError(error))
    })
    this.#stderr = new Tail(child.stderr, process.stderr)
    ;(child.stderr as { unref?: () => void } | null)?.unref?.()
    child.once('exit', (exitCode, signal) => {
      let told = false
      const tell = () => {
        if (told) return
        told = true
        child.stderr?.destroy()
        const how = signal === null ? `exited with code ${exitCode}` : `was killed by ${signal}`
        const ended = { stderr: this.#stderr?.text ?? '', exitCode, signal }
        over(new ChildError('ERR_WORMHOLE_CHILD_EXITED', `a process of the pool ${how}`, ended))
      }
      child.once('close', tell)
      after(STDERR_GRACE_MS, tell)
    })
  }

  /** Imports the module. */
  async load(): Promise<void> {
    this.#child?.ref()
    try {
      await this.#api.load(this.#settings.module)
    } catch (error) {
      if (!tellsOfEnd(error)) throw this.#withStderr(error)
      this.kill(LINK_GRACE_MS)
      await this.gone
      throw this.#error
    } finally {
      if (this.jobs.size === 0) this.#child?.unref()
    }
  }

  give(job: Job, progress: (value: unknown) => void): void {
    const { fds } = job.options
    this.unidle?.()
    this.given++
    this.jobs.add(job)
    this.#child?.ref()
    this.#api.run({ job: job.id, input: job.input }, { fds, onProgress: progress }).then(
      (output) => this.#done(job, { output }),
      (error: unknown) => this.#failed(job, error)
    )
  }

  #failed(job: Job, error: unknown): void {
    // The end of the process settles these: it knows how it ended.
    if (tellsOfEnd(error)) this.kill(LINK_GRACE_MS)
    else this.#done(job, { error: this.#withStderr(error) })
  }

  #done(job: Job, ended: { output: unknown } | { error: unknown }): void {
    if (!this.jobs.delete(job)) return
    this.answered++
    if (job.settled) this.#unkillIfQuiet()
    const became = job.settle(ended) ? ('output' in ended ? 'done' : 'failed') : null
    if (this.jobs.size === 0) this.#child?.unref()
    this.#events.room(this, job, became)
  }

  /** The job is settled here; the process has `grace` to be done with it. */
  abort(job: Job, reason: unknown): void {
    this.#api.abort({ job: job.id, ...reasonFor(reason) }).catch(() => undefined)
    this.kill(this.#settings.grace)
  }

  #unkillIfQuiet(): void {
    for (const job of this.jobs) if (job.settled) return
    if (this.retiring) return
    this.#unkill?.()
    this.#unkill = undefined
  }

  /** Kills it after so many milliseconds, unless it is killed earlier already. */
  kill(grace: number): void {
    this.#unkill ??= after(grace, () => this.#child?.kill('SIGKILL'))
  }

  /** Gives it no more jobs: it ends once it has none, and is killed after `grace` if it does not. */
  retire(): void {
    this.retiring = true
    this.unidle?.()
    if (this.jobs.size > 0) return
    this.#child?.ref()
    this.#link.sender.close()
    this.kill(this.#settings.grace)
  }

  #withStderr(error: unknown): unknown {
    const stderr = this.#stderr?.text ?? ''
    if (error instanceof WormholeError && stderr !== '') Object.assign(error, { stderr })
    return error
  }
}

/** Whether a call failed as the process, or its link, is gone. */
function tellsOfEnd(error: unknown): boolean {
  const { code } = error as WormholeError
  return code === 'ERR_WORMHOLE_DISCONNECTED' || code === 'ERR_WORMHOLE_CLOSED'
}

function startError(error: unknown): WormholeError {
  return error instanceof WormholeError ? error : failedStart('of the pool', error as NodeJS.ErrnoException)
}

/** An abort's reason as the process is told of it, whatever it is. */
function reasonFor(reason: unknown): { reason: string; name: string } {
  try {
    const { name = 'AbortError', message = say(reason) } = (reason ?? {}) as { name?: unknown; message?: unknown }
    return { reason: say(message), name: say(name) }
  } catch {
    return { reason: say(reason), name: 'AbortError' }
  }
}
