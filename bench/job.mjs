import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const RUNNER = fileURLToPath(new URL('runner.mjs', import.meta.url))
const MAX_MILLISECONDS = 60_000
const MAX_MILLISECONDS_QUICK = 15_000

/**
 * Takes one measurement in a process of its own.
 *
 * @param {import('./peers/driver.mjs').Job} job what runner.mjs is told
 * @returns {Promise<import('./schedule.mjs').Sample>}
 * @throws {Error} with the reason in one line
 */
export function runJob(job, { quick = false } = {}) {
  const flags = job.measure === 'memory' ? ['--expose-gc'] : []
  const timeout = quick ? MAX_MILLISECONDS_QUICK : MAX_MILLISECONDS
  const options = { timeout, killSignal: /** @type {const} */ ('SIGKILL') }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...flags, RUNNER, JSON.stringify(job)], options, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout))
      else reject(new Error(error.killed ? `not done after ${timeout / 1000} s` : reasonOf(error, stderr)))
    })
  })
}

/** @param {import('node:child_process').ExecFileException} error */
function reasonOf({ code, signal }, stderr) {
  const lines = stderr.split('\n')
  return lines.find((line) => /^\w*Error\b.*: ./.test(line)) ?? `ended with ${signal ?? `code ${code}`}`
}
