// jest-worker with child processes and the `advanced` serialization, as it does unless told otherwise.
import { fileURLToPath } from 'node:url'
import { optional } from './shared/optional.mjs'
import { TASKS } from './shared/pools.mjs'

const jestWorker = optional('jest-worker')

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'jest-worker, child processes',
  does: ['pool'],
  available: jestWorker.available,
  async pool(size) {
    const { Worker } = await jestWorker.load()
    const workers = new Worker(fileURLToPath(TASKS), { numWorkers: size, exposedMethods: ['work'] })
    return { run: (task) => workers.work(task), close: () => workers.end() }
  },
}
