/** A process of a pool, as far as the end of ours needs to know it. */
interface Running {
  readonly jobs: { readonly size: number }
  killNow(): void
}

/** Processes that run, of all pools of this thread. */
const running = new Set<Running>()

/**
 * When our process exits, or throws what nobody catches, a pool's processes end as their channels do; but one that blocks its
 * event loop would never learn of it: those with jobs under way are killed.
 */
export function follow(worker: Running): void {
  if (running.size === 0) process.on('exit', killBusy)
  running.add(worker)
}

export function unfollow(worker: Running): void {
  if (running.delete(worker) && running.size === 0) process.off('exit', killBusy)
}

function killBusy(): void {
  for (const worker of running) if (worker.jobs.size > 0) worker.killNow()
}
