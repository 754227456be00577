import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Task } from '../fixtures/worker-end.js'
import { fixture } from './child.js'

/** Starts the worker of `fixtures/worker-end`. */
export function startWorker(task: Task): Worker {
  return new Worker(fixture('worker-end'), { workerData: task })
}

/** The next thing that a worker tells; rejects when it fails or ends without a word. */
export async function told(worker: Worker): Promise<unknown> {
  const ending = new AbortController()
  const ended = once(worker, 'exit', { signal: ending.signal }).then(() => {
    throw new Error('the worker ended without a word')
  })
  try {
    const [message] = await Promise.race([once(worker, 'message', { signal: ending.signal }), ended])
    return message
  } finally {
    ended.catch(() => undefined)
    ending.abort()
  }
}
