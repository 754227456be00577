import { taskOf, work } from '../tasks.mjs'

/**
 * @param {import('../peers/driver.mjs').Driver} driver
 * @param {import('../peers/driver.mjs').Job} job
 */
export function startWorkers(driver, job) {
  return job.needs === 'pool' ? driver.pool(job.workers) : driver.calls(job.argv)
}

/**
 * Has a task done, and checks its answer.
 *
 * @param {import('../peers/driver.mjs').Workers} workers
 * @param {number} number of the task
 */
export async function runTask(workers, number) {
  const task = taskOf(number)
  const answer = await workers.run(task)
  if (answer !== work(task)) throw new Error(`the answer to task ${number} is ${answer} instead of ${work(task)}`)
}
