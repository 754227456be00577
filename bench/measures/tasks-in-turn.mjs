import { Trips } from './trips.mjs'
import { runTask, startWorkers } from './workers.mjs'

/** Calls, or jobs of a pool, each made when the one before is answered: what one takes. */
export async function measure(driver, job) {
  const workers = await startWorkers(driver, job)
  let number = 0
  await runTask(workers, number++)
  const trips = new Trips(job.seconds)
  let start
  do {
    start = performance.now()
    await runTask(workers, number++)
  } while (trips.note(start))
  const figures = trips.figures()
  await workers.close()
  return figures
}
