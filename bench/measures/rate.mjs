// How many a second: rounds of growing length until one lasts about as long as was asked. The ones before it warm up, for
// three times as long: V8 compiles what is hot for most of a second, on the cores that the measured processes need, and the
// figure is to be that of a service that has been running, not of one that starts.

import { cpuSeconds } from './cpu.mjs'

const MAX_GROWTH = 8

/** A round that lasts this share of the time asked for is long enough. */
const ENOUGH = 1 / 2

/** How long those before it are in all, in times of it. */
const WARM = 3

/** The first one counts only if it is so long that its start does not matter, since another would be as long again. */
const LONG = 5

/**
 * @param {number} seconds how long the measured round should last
 * @param {number} first how many the first round has
 * @param {(count: number) => Promise<number>} round does `count` and answers the seconds that took
 * @returns {Promise<{ count: number, seconds: number, value: number }>}
 */
export async function rate(seconds, first, round) {
  for (let count = first, warm = 0; ; ) {
    const took = await round(count)
    if (took >= seconds * (warm >= seconds * WARM ? ENOUGH : LONG)) {
      return { count, seconds: took, value: count / took }
    }
    warm += took
    count = Math.ceil(count * Math.min(MAX_GROWTH, Math.max(1, seconds / took)))
  }
}

/**
 * The same, and the microseconds of processor time that each took of all sides: of processes that live on after a round.
 *
 * @param {number} seconds
 * @param {number} first
 * @param {(count: number) => Promise<number>} round
 */
export async function rateAndCpu(seconds, first, round) {
  let cpu = Number.NaN
  const figures = await rate(seconds, first, async (count) => {
    const before = cpuSeconds()
    const took = await round(count)
    cpu = ((cpuSeconds() - before) / count) * 1e6
    return took
  })
  return { ...figures, cpu }
}

/** A first round that is neither empty nor long: at most a thousand messages or eight MiB. */
export function firstRound(bytes = 1) {
  return Math.max(1, Math.min(1000, Math.floor((8 * 1024 * 1024) / bytes)))
}

/** @returns {() => number} seconds since this call */
export function stopwatch() {
  const start = performance.now()
  return () => (performance.now() - start) / 1000
}
