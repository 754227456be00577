import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const RUNNER = fileURLToPath(new URL('runner.mjs', import.meta.url))
const MOST_MILLISECONDS = 60_000

/**
 * Takes one measurement in a process of its own.
 *
 * @param {import('./peers/driver.mjs').Job} job what runner.mjs is told
 * @returns {Promise<import('./schedule.mjs').Sample>}
 * @throws {Error} with the reason in one line
 */
export function runJob(job) {
  const flags = job.measure === 'memory' ? ['--expose-gc'] : []
  const options = { timeout: MOST_MILLISECONDS, killSignal: /** @type {const} */ ('SIGKILL') }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...flags, RUNNER, JSON.stringify(job)], options, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout))
      else reject(new Error(reasonOf(error, stderr)))
    })
  })
}

/** @param {import('node:child_process').ExecFileException} error */
function reasonOf({ killed, code, signal }, stderr) {
  if (killed) return `not done after ${MOST_MILLISECONDS / 1000} s`
  const lines = stderr.split('\n')
  return lines.find((line) => /^\w*Error\b.*: ./.test(line)) ?? `ended with ${signal ?? `code ${code}`}`
}
