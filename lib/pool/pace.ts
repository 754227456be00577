/** Milliseconds of work that may wait in a process which has all the jobs that it may run. */
const AHEAD_MS = 1
/** Jobs that may. */
const MAX_AHEAD = 32
/** How much of a slower job's time counts. */
const SLOWER = 1 / 8

/** How quickly one process is done with its jobs: with that, how many it may be handed before their turn. */
export class Pace {
  /** Milliseconds from one answer to the next; Infinity where that is not known. */
  #pace = Number.POSITIVE_INFINITY
  /** When the job began that will be answered next, on the clock of `now()`. */
  #since = 0

  /** Jobs that are worth about {@link AHEAD_MS}: none, where one alone takes longer. */
  get ahead(): number {
    return Math.min(MAX_AHEAD, Math.floor(AHEAD_MS / this.#pace))
  }

  start(time: number): void {
    this.#since = time
  }

  /** A job has been answered. One slow job among short ones changes little: jobs behind it are taken back. */
  note(time: number): void {
    const took = time - this.#since
    this.#since = time
    this.#pace = took < this.#pace ? took : this.#pace + (took - this.#pace) * SLOWER
  }

  /** The process seems slower than it was. */
  unknown(): void {
    this.#pace = Number.POSITIVE_INFINITY
  }
}
