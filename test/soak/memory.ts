import { linearRegression } from 'simple-statistics'
import { kinds, type Log } from './record.js'

const EVERY_MS = 1000
const KIB = 1024

/** Notes how much memory this process has, every second, as long as something else keeps it going. */
export function sampleMemory(log: Log): NodeJS.Timeout {
  const began = performance.now()
  const sample = () =>
    log.write(kinds.memory, 0, Math.round(performance.now() - began), Math.round(process.memoryUsage.rss() / KIB))
  return setInterval(sample, EVERY_MS).unref()
}

/** A sample: milliseconds since the start, and KiB. */
export type Sample = [milliseconds: number, kibibytes: number]

/** V8 sizes its heap in the beginning: that part of a life is not judged. */
const WARM_UP = 1 / 3
/** In a minute V8 may still give its heap 30 MiB more, and take as much back in the next: that is no slope. */
export const MIN_SECONDS = 240
/** What a leak of eight bytes a message comes to in the long form; over that time the heap's ups and downs even out. */
export const MAX_GROWTH_KIB = 32 * KIB

export interface Slope {
  seconds: number
  kibPerMinute: number
  /** What the slope makes over the time that it was measured. */
  grownKib: number
}

/** How memory went over the later part of a life, by linear regression; undefined when that was too short. */
export function slopeOf(samples: readonly Sample[]): Slope | undefined {
  const [last] = samples.at(-1) ?? [0]
  const judged = samples.filter(([at]) => at >= last * WARM_UP)
  const seconds = (last - (judged[0]?.[0] ?? 0)) / 1000
  if (seconds < MIN_SECONDS) return undefined
  const { m } = linearRegression(judged)
  return { seconds, kibPerMinute: m * 60_000, grownKib: m * seconds * 1000 }
}
