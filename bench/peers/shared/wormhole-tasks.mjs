// This library's calls and its pool, as it is installed (see wormhole.mjs). Each is loaded by who needs it: the start of a
// process is measured too.
import { keep } from './children.mjs'
import { TASKS } from './pools.mjs'

/** @param {import('../../../build/package/dist/pool.js').PoolOptions} [options] */
export function poolWith(options) {
  return async (size) => {
    const { pool } = await import('../../../build/package/dist/pool.js')
    const jobs = pool(TASKS, { size, ...options })
    return { run: (task) => jobs.run(task), close: () => jobs.close() }
  }
}

/** @returns {Promise<import('../driver.mjs').Workers>} */
export async function calls(argv) {
  const { caller, link } = await import('../../../build/package/dist/calls.js')
  const { spawn } = await import('../../../build/package/dist/process.js')
  const [ours, theirs] = link()
  keep(spawn(process.execPath, argv, { stdio: ['pipe', 'inherit', 'inherit'], channels: { api: theirs } }))
  /** @type {any} */
  const api = caller(ours)
  return {
    run: (task) => api.work(task),
    close() {
      ours.sender.close()
      ours.receiver.close()
    },
  }
}

export async function serve(work) {
  const calls = await import('../../../build/package/dist/calls.js')
  const { inherited } = await import('../../../build/package/dist/process.js')
  /** @type {Record<string, any>} */
  const { api } = inherited()
  await calls.serve(api, { work })
}
