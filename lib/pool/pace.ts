/** Milliseconds of work that may be handed ahead to a process which already has all the jobs that it may run. */
const AHEAD_MS = 1
/** The maximum number of such jobs. */
const MAX_AHEAD = 32
/** The weight of a slower job's time. */
const SLOWER = 1 / 8

/** Measures how quickly a process answers jobs, from which follows how many it may be handed ahead. */
export class Pace {
  /** Milliseconds from one answer to the next; Infinity if not known. */
  #pace = Number.POSITIVE_INFINITY
  /** When the job to be answered next began, on the clock of `now()`. */
  #since = 0

  /** The number of jobs that take about {@link AHEAD_MS} together: 0 if one alone takes longer. */
  get ahead(): number {
    return Math.min(MAX_AHEAD, Math.floor(AHEAD_MS / this.#pace))
  }

  start(time: number): void {
    this.#since = time
  }

  /** Counts an answer. One slow job among short ones changes little: the jobs after it are taken back. */
  note(time: number): void {
    const took = time - this.#since
    this.#since = time
    this.#pace = took < this.#pace ? took : this.#pace + (took - this.#pace) * SLOWER
  }

  /** Forgets the pace: the process seems slower than before. */
  unknown(): void {
    this.#pace = Number.POSITIVE_INFINITY
  }
}
