import { cpuSeconds } from './cpu.mjs'
import { openExchange } from './exchange.mjs'
import { latencies } from './trips.mjs'

/** The first requests and replies of two processes, one after the other: nothing is warm. */
export async function measure(driver, { count, ...job }) {
  const trip = await openExchange(driver, job)
  const times = new Float64Array(count)
  const before = cpuSeconds()
  for (let index = 0; index < count; index++) {
    const start = performance.now()
    await trip()
    times[index] = (performance.now() - start) * 1000
  }
  return latencies(times, cpuSeconds() - before)
}
