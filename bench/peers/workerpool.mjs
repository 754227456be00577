// workerpool with child processes: its workers load a script that tells what they do.
import { fileURLToPath } from 'node:url'
import { optional } from './shared/optional.mjs'

const SCRIPT = fileURLToPath(new URL('shared/workerpool-worker.mjs', import.meta.url))
const workerpool = optional('workerpool')

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'workerpool, process',
  does: ['pool'],
  available: workerpool.available,
  async pool(size) {
    const { pool } = await workerpool.load()
    const workers = pool(SCRIPT, { workerType: 'process', minWorkers: size, maxWorkers: size })
    return { run: (task) => workers.exec('work', [task]), close: () => workers.terminate() }
  },
}
