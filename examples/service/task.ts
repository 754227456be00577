import type { Job } from './protocol.js'

/** A job, and the promise of its factors. */
export class Task {
  readonly job: Job
  readonly factors: Promise<number[]>
  /** How many workers it has been given to. */
  tries = 0
  resolve!: (factors: number[]) => void
  reject!: (reason: unknown) => void

  constructor(job: Job) {
    this.job = job
    this.factors = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }
}
