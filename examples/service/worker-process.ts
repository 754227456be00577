import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { channel, type EndpointStats, type Receiver, type Sender } from 'wormhole-ipc'
import { spawn } from 'wormhole-ipc/process'
import { PoolError } from './pool-error.js'
import type { Job, Report, WorkerEnds } from './protocol.js'
import type { Task } from './task.js'

/** One end of a channel, for the metrics. */
export interface ChannelEnd {
  channel: keyof WorkerEnds
  end: 'sender' | 'receiver'
  /** As far as it is known here. */
  stats(): EndpointStats | undefined
}

/** A worker as the service sees it: a process, a channel each way, and the task that it has in hand. */
export class WorkerProcess {
  /** One at most: when the worker dies, this is all that is lost. */
  task: Task | undefined
  ready = false
  readonly ends: readonly ChannelEnd[]
  readonly #child: ChildProcess
  readonly #exited: Promise<string>
  readonly #jobs: Sender<Job>
  readonly #reports: Receiver<Report>
  #reported: WorkerEnds | undefined
  #leaving = false

  constructor(program: URL) {
    const [jobs, takeJobs] = channel<Job>()
    const [sendReports, reports] = channel<Report>()
    try {
      this.#child = spawn(process.execPath, [fileURLToPath(program)], {
        stdio: ['ignore', 'inherit', 'inherit'],
        channels: { jobs: takeJobs, reports: sendReports },
      })
    } catch (error) {
      jobs.close()
      reports.close()
      throw error
    } finally {
      // Moved to the worker; or, if it could not be started, still here, and then `follow` is over at once.
      takeJobs.close()
      sendReports.close()
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
      this.#child.once('error', ({ message }) => resolve(message))
    })
    this.#jobs = jobs
    this.#reports = reports
    this.ends = [
      { channel: 'jobs', end: 'sender', stats: () => jobs.stats() },
      { channel: 'jobs', end: 'receiver', stats: () => this.#reported?.jobs },
      { channel: 'reports', end: 'sender', stats: () => this.#reported?.reports },
      { channel: 'reports', end: 'receiver', stats: () => reports.stats() },
    ]
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whether it can be given a task. */
  get idle(): boolean {
    return this.ready && !this.#leaving && this.task === undefined
  }

  give(task: Task): void {
    this.task = task
    task.tries++
    // Once the kernel has the job, only the worker's death can keep the answer away, and `follow` sees that.
    this.#jobs.send(task.job).catch(() => this.kill())
  }

  /** Settles its tasks, and tells when it is free for the next. Resolves when it is gone, to how it ended. */
  async follow(onFree: () => void): Promise<string> {
    try {
      // What the worker has sent arrives, even when it is dead by now. Then this loop ends.
      for await (const report of this.#reports) {
        this.#take(report)
        onFree()
      }
    } catch {
      // It died while it sent, or it sends nonsense: either way this is its end.
      this.kill()
    }
    this.#leaving = true
    this.#jobs.close()
    this.#reports.close()
    return this.#exited
  }

  /** Has it end when it has finished what it has in hand. */
  finish(): void {
    this.#leaving = true
    this.#jobs.close()
  }

  /** Ends it at once: the only way to stop a computation. */
  kill(): void {
    this.#leaving = true
    this.#child.kill('SIGKILL')
  }

  #take(report: Report): void {
    this.#reported = report.ends
    if (report.kind === 'ready') {
      this.ready = true
      return
    }
    const { task } = this
    // Nobody waits for it any more: the signal to this worker to end is on its way.
    if (task === undefined) return
    if (task.job.id !== report.id) throw new Error(`worker ${this.pid} has answered ${report.id}, not ${task.job.id}`)
    this.task = undefined
    if (report.kind === 'done') task.resolve(report.factors)
    else task.reject(new PoolError('FAILED', report.reason))
  }
}
