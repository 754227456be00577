import { piscinaWith } from './shared/piscina.mjs'

/** @type {import('./driver.mjs').Driver} */
export default piscinaWith('piscina, threads, 50 each', { concurrentTasksPerWorker: 50 })
