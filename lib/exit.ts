/** How long the end of the process may wait for messages that are still pending, in milliseconds. */
const EXIT_FLUSH_MS = 1000

interface Pending {
  pumpUntil(entry: null, deadline: number): void
}

const pending = new Set<Pending>()
let deadline: number | undefined

process.on('exit', () => {
  deadline = performance.now() + EXIT_FLUSH_MS
  for (const queue of pending) flush(queue)
})

/** The end of the process first waits, at most a second in all, for what this one holds. */
export function notePending(queue: Pending): void {
  pending.add(queue)
}

/** When the end has come already (another listener of 'exit' sends): waits now. */
export function flushIfExiting(queue: Pending): void {
  if (deadline !== undefined) flush(queue)
}

export function forgetPending(queue: Pending): void {
  pending.delete(queue)
}

function flush(queue: Pending): void {
  try {
    queue.pumpUntil(null, deadline as number)
  } catch {
    // The process ends; nobody is left to tell.
  }
}
