import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import type { FastifyBaseLogger } from 'fastify'

/** The processes of the pool, which Node tells of as of any child: for the log and `/health`. None outlives this process. */
export class Workers {
  readonly #log: FastifyBaseLogger
  readonly #children = new Set<ChildProcess>()
  /** Which request each had last. */
  readonly #requests = new Map<unknown, string>()

  constructor(log: FastifyBaseLogger) {
    this.#log = log
    subscribe('child_process', (message) => {
      const { process: child } = message as { process: ChildProcess }
      child.once('spawn', () => {
        this.#children.add(child)
        log.info({ worker: child.pid }, 'worker started')
      })
      child.once('exit', (code, signal) => {
        this.#children.delete(child)
        const how = signal ?? `exit code ${code}`
        log.info({ worker: child.pid, how, reqId: this.#requests.get(child.pid) }, 'worker ended')
        this.#requests.delete(child.pid)
      })
    })
    process.once('exit', () => {
      for (const child of this.#children) child.kill('SIGKILL')
    })
  }

  get pids(): (number | undefined)[] {
    return [...this.#children].map(({ pid }) => pid)
  }

  /** The worker with this process id has begun with a request. */
  began(pid: unknown, request: string): void {
    this.#requests.set(pid, request)
    this.#log.debug({ worker: pid, reqId: request }, 'worker has begun')
  }
}
