/** How long the end of the process may wait for messages that are still pending, in milliseconds. */
const EXIT_FLUSH_MS = 1000

interface Pending {
  pumpUntil(entry: null, deadline: number): void
}

const pending = new Set<Pending>()
let listening = false

/** From now on the end of the process first waits, at most a second in all, for what this one holds. */
export function notePending(queue: Pending): void {
  if (!listening) {
    listening = true
    process.on('exit', flushAll)
  }
  pending.add(queue)
}

export function forgetPending(queue: Pending): void {
  pending.delete(queue)
}

function flushAll(): void {
  const deadline = performance.now() + EXIT_FLUSH_MS
  for (const queue of pending) {
    try {
      queue.pumpUntil(null, deadline)
    } catch {
      // The process ends; nobody is left to tell.
    }
  }
}
