// What single trips cost: the figure is the median, in microseconds, and the slowest are told too; and the processor time of
// all sides.
import { mean, quantileSorted } from 'simple-statistics'
import { cpuSeconds } from './cpu.mjs'

const MAX = 200_000

/** Fewer would have no tails, however slow the machine. */
const MIN = 100

/** So many times as long warms up and is not counted. */
const WARM = 3

export class Trips {
  #times = new Float64Array(MAX)
  #count = 0
  #counted
  #end
  #min
  /** When the first one that counts was over. */
  #cpuBefore

  /**
   * @param {number} seconds for how long there is another trip
   * @param {number} [min] how many there are at least
   */
  constructor(seconds, min = MIN) {
    this.#min = min
    const now = performance.now()
    this.#counted = now + seconds * 1000 * WARM
    this.#end = this.#counted + seconds * 1000
  }

  /** Notes a trip that began at `start` and is over now. @returns {boolean} whether another fits */
  note(start) {
    const now = performance.now()
    if (start >= this.#counted) {
      this.#times[this.#count++] = (now - start) * 1000
      this.#cpuBefore ??= cpuSeconds()
    }
    return (now < this.#end || this.#count < this.#min) && this.#count < MAX
  }

  figures() {
    // The first that counts was over when the processor time was looked at.
    const { count, ...figures } = latencies(this.#times.subarray(0, this.#count), cpuSeconds() - this.#cpuBefore)
    return { count, ...figures, cpu: (figures.cpu * count) / (count - 1) }
  }
}

/**
 * @param {Float64Array} times of each trip, in microseconds
 * @param {number} seconds of processor time that all of them took
 */
export function latencies(times, seconds) {
  const sorted = times.toSorted()
  const at = (share) => quantileSorted(/** @type {any} */ (sorted), share)
  const figures = { count: times.length, value: at(0.5), mean: mean(/** @type {any} */ (times)) }
  return { ...figures, p99: at(0.99), p999: at(0.999), cpu: (seconds / times.length) * 1e6 }
}
