/** The part of a pool's process that is needed when ours ends. */
interface Running {
  readonly jobs: { readonly size: number }
  killNow(): void
}

/** The running processes of all pools of this thread. */
const running = new Set<Running>()

/**
 * Kills this process, if it has jobs under way, when ours exits or ends by an uncaught error: the end of its channels
 * ends it too, but not while it blocks its event loop.
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
