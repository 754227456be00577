import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { channel } from 'wormhole-ipc'
import { fork } from 'wormhole-ipc/process'
import type { Job, Result } from './job.js'

export interface PoolOptions {
  workers: number
  /** Told each result, and which workers there are. */
  onResult: (result: Result, workers: readonly ChildProcess[]) => void
}

/**
 * Has workers finish jobs; a worker that is killed is replaced. Resolves, with how many were, when nobody is
 * left who could send a result: a job without one by then died with its worker.
 */
export async function work(jobs: readonly Job[], { workers, onResult }: PoolOptions): Promise<number> {
  // One job a packet: what a worker takes in one go is one job.
  const [sendJobs, takeJobs] = channel<Job>({ coalesce: false })
  const [sendResults, takeResults] = channel<Result>()
  const alive = new Set<ChildProcess>()
  let killed = 0

  /** One place in the pool, with one worker after the other. */
  async function place(): Promise<void> {
    // This process keeps both ends for replacements, until a worker has seen the end of the jobs.
    while (!takeJobs.closed) {
      const child = fork(new URL('worker.js', import.meta.url), {
        channels: { jobs: takeJobs.clone(), results: sendResults.clone() },
      })
      alive.add(child)
      const [code, signal] = await once(child, 'exit')
      alive.delete(child)
      if (signal === 'SIGKILL') {
        killed++
        continue
      }
      if (code !== 0) throw new Error(`worker ${child.pid} ended with ${signal ?? `exit code ${code}`}`)
      takeJobs.close()
      sendResults.close()
    }
  }

  async function feed(): Promise<void> {
    await sendJobs.sendAll(jobs)
    sendJobs.close()
  }

  async function gather(): Promise<void> {
    for await (const result of takeResults) onResult(result, [...alive])
  }

  try {
    await Promise.all([feed(), gather(), ...Array.from({ length: workers }, place)])
    return killed
  } finally {
    // When something failed: nothing stays behind.
    for (const child of alive) child.kill()
    for (const end of [sendJobs, takeJobs, sendResults, takeResults]) end.close()
  }
}
