import type { PoolProcess } from './process.js'

/** Processes that run, of all pools of this thread. */
const running = new Set<PoolProcess>()

/**
 * When our process exits, or throws what nobody catches, a pool's processes end as their channels do; but one that blocks its
 * event loop would never learn of it: those with jobs under way are killed.
 */
export function follow(worker: PoolProcess): void {
  if (running.size === 0) process.on('exit', killBusy)
  running.add(worker)
}

export function unfollow(worker: PoolProcess): void {
  if (running.delete(worker) && running.size === 0) process.off('exit', killBusy)
}

function killBusy(): void {
  for (const worker of running) if (worker.jobs.size > 0) worker.killNow()
}
