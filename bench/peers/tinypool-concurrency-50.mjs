import { tinypoolWith } from './shared/tinypool.mjs'

/** @type {import('./driver.mjs').Driver} */
export default tinypoolWith('tinypool, child_process, 50 each', { concurrentTasksPerWorker: 50 })
