import { rateAndCpu, stopwatch } from './rate.mjs'
import { runTask, startWorkers } from './workers.mjs'

/** Calls, or jobs of a pool, so many under way all the time: how many a second. */
export async function measure(driver, job) {
  const { underWay } = job
  const workers = await startWorkers(driver, job)
  const figures = await rateAndCpu(job.seconds, underWay, async (count) => {
    let next = 0
    const one = async () => {
      while (next < count) await runTask(workers, next++)
    }
    const elapsed = stopwatch()
    await Promise.all(Array.from({ length: underWay }, one))
    return elapsed()
  })
  await workers.close()
  return figures
}
