import { cpuSeconds } from './cpu.mjs'
import { rate, stopwatch } from './rate.mjs'
import { runTask, startWorkers } from './workers.mjs'

/** Calls, or jobs of a pool, so many under way all the time: how many a second. */
export async function measure(driver, job) {
  const { underWay } = job
  const workers = await startWorkers(driver, job)
  let cpu
  const figures = await rate(job.seconds, underWay, async (count) => {
    let next = 0
    const one = async () => {
      while (next < count) await runTask(workers, next++)
    }
    const before = cpuSeconds()
    const elapsed = stopwatch()
    await Promise.all(Array.from({ length: underWay }, one))
    const seconds = elapsed()
    cpu = ((cpuSeconds() - before) / count) * 1e6
    return seconds
  })
  await workers.close()
  return { ...figures, cpu }
}
