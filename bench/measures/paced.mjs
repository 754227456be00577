import { setTimeout as sleep } from 'node:timers/promises'
import { cpuSeconds } from './cpu.mjs'
import { openExchange } from './exchange.mjs'
import { latencies } from './trips.mjs'

/** A timer does not fire more often: what is due by then is done in a row. */
const TIMER_MS = 1

/** So many at least, and so many seconds at least, of which the first are cold as they are in a program that does little. */
const MIN_TRIPS = 30
const MIN_SECONDS = 1

/** Requests and replies at a rate that a service has on a quiet day: most of the time nothing is under way. */
export async function measure(driver, { perSecond, ...job }) {
  const trip = await openExchange(driver, job)
  const count = Math.max(MIN_TRIPS, Math.round(perSecond * Math.max(MIN_SECONDS, job.seconds)))
  const times = new Float64Array(count)
  const before = cpuSeconds()
  const began = performance.now()
  for (let index = 0; index < count; index++) {
    const early = began + (index * 1000) / perSecond - performance.now()
    if (early > 0) await sleep(Math.max(TIMER_MS, early))
    const start = performance.now()
    await trip()
    times[index] = (performance.now() - start) * 1000
  }
  return latencies(times, cpuSeconds() - before)
}
