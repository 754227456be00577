import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** What `/health` tells, as far as the load test cares. */
interface Health {
  workers: { pid: number; busy: boolean }[]
}

/** The service under load: a process of its own. */
export class LoadService {
  readonly url: string
  readonly #child: ChildProcess

  private constructor(url: string, child: ChildProcess) {
    this.url = url
    this.#child = child
  }

  static async start(args: readonly string[]): Promise<LoadService> {
    const main = fileURLToPath(new URL('main.js', import.meta.url))
    const child = spawn(process.execPath, [main, '--port', '0', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface(child.stdout)
    for await (const line of lines) {
      const [, url] = /listening at (http:[^"\s]+)/.exec(line) ?? []
      if (url === undefined) continue
      // The rest of its log is read too, and dropped: a full pipe would hold it up.
      child.stdout.resume()
      return new LoadService(url, child)
    }
    throw new Error('the service did not start')
  }

  /** Kills a worker, one that is at work if there is one: a different one each time, as far as `turn` is. */
  async killWorker(turn: number): Promise<void> {
    const { workers } = (await (await fetch(new URL('health', this.url))).json()) as Health
    const busy = workers.filter(({ busy }) => busy)
    const victims = busy.length > 0 ? busy : workers
    const victim = victims[turn % victims.length]
    if (victim !== undefined) process.kill(victim.pid, 'SIGKILL')
  }

  /** How many requests it has had to try again so far. */
  async retried(): Promise<number> {
    const metrics = await (await fetch(new URL('metrics', this.url))).text()
    return Number(/^pool_jobs_retried_total (\d+)$/m.exec(metrics)?.[1])
  }

  /** Has it stop; resolves to its exit code. */
  async stop(): Promise<number | null> {
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const [code] = await exit
    return code
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }
}
