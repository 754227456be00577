import { readFileSync } from 'node:fs'
import { type Pool, type PoolOptions, pool } from 'wormhole-ipc/pool'

/** In a `describe`: returns a function that opens pools, of one process by default. Closes them after each test. */
export function closesPools(): (options?: PoolOptions, module?: string | URL) => Pool<unknown, unknown> {
  const opened: Pool<unknown, unknown>[] = []
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((jobs) => jobs.close()))
  })
  return (options = {}, module = new URL('../fixtures/pool-job.js', import.meta.url)) => {
    const jobs = pool<unknown, unknown>(module, { size: 1, ...options })
    opened.push(jobs)
    return jobs
  }
}

/** Returns the URL of a module with this text. */
export function javascript(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`
}

/** Whether a process runs that this one started: the number of one that has ended may be a stranger's by now. */
export function isChild(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/status`, 'latin1').includes(`\nPPid:\t${process.pid}\n`)
  } catch {
    return false
  }
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
