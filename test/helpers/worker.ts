import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Task } from '../fixtures/worker-end.js'
import { fixture } from './child.js'

/** Starts the worker of `fixtures/worker-end`. */
export function startWorker(task: Task): Worker {
  return new Worker(fixture('worker-end'), { workerData: task })
}

/** Waits for a worker's next message; rejects if it fails or exits without one. */
export async function told(worker: Worker): Promise<unknown> {
  const ending = new AbortController()
  const ended = once(worker, 'exit', { signal: ending.signal }).then(() => {
    throw new Error('the worker exited without a message')
  })
  try {
    const [message] = await Promise.race([once(worker, 'message', { signal: ending.signal }), ended])
    return message
  } finally {
    ended.catch(() => undefined)
    ending.abort()
  }
}
