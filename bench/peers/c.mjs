// The kernel's yardstick where a message's codec is not the point: blocking C programs that look at nothing.
import { rate } from '../measures/rate.mjs'
import { nativeProgram, runNative } from './shared/native.mjs'

const FIRST = 200
const TRIPS_A_SECOND = 20_000

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'C, no codec',
  promise: 'kernel',
  does: ['sync', 'descriptors'],
  available: () => nativeProgram('c'),
  async measure(job) {
    return job.measure === 'sync' ? trips(job) : descriptors(job)
  },
}

/** @param {import('./driver.mjs').Job} job */
async function trips({ bytes, cores, seconds }) {
  const pinned = ['--cpus', cores.join()]
  const count = Math.ceil(TRIPS_A_SECOND * seconds)
  const result = await runNative('c', ['roundtrip', '--bytes', bytes, '--count', count, ...pinned])
  return { count, value: result.median_us, p99: result.p99_us, p999: result.p999_us }
}

/** @param {import('./driver.mjs').Job} job */
async function descriptors({ seconds }) {
  return rate(seconds, FIRST, async (count) => (await runNative('c', ['descriptors', '--count', count])).seconds)
}
