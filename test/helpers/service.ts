import { once } from 'node:events'
import type { Child } from './child.js'
import { startExample } from './example.js'

interface LogLine {
  level: number
  msg: string
  worker?: number
  how?: string
  reqId?: string
}

interface Health {
  workers: number[]
  busy: number
  queued: number
}

/** In a `describe`: starts services for its tests, and ends those that a test leaves running. */
export function usesServices(): (args?: readonly string[], nodeOptions?: string) => Promise<Service> {
  const services: Service[] = []
  afterEach(async () => {
    for (const service of services.splice(0)) await service.end()
  })
  return async (...args) => {
    const service = await Service.start(...args)
    services.push(service)
    return service
  }
}

/** A deadline that no request reaches, however busy the machine is. */
const MAX_MS = '3600000'

/** The service example as a process of its own, on a free port. */
export class Service {
  readonly child: Child
  #output = ''
  #frozen: number[] = []

  private constructor(child: Child) {
    this.child = child
    child.process.stdout?.on('data', (text: string) => {
      this.#output += text
    })
  }

  static async start(args: readonly string[] = [], nodeOptions = ''): Promise<Service> {
    const service = new Service(startExample('service', ['--port', '0', '--deadline', MAX_MS, ...args], nodeOptions))
    await service.logged('listening')
    return service
  }

  /** Its log so far; a line that is being written is not there yet. */
  get log(): LogLine[] {
    return this.#output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine)
  }

  get url(): string {
    return this.log.find(({ msg }) => msg.startsWith('listening'))!.msg.replace('listening at ', '')
  }

  /** Waits until its log has this many lines whose messages begin like this; resolves to the last of them. */
  async logged(message: string, count = 1): Promise<LogLine> {
    for (;;) {
      const line = this.log.filter(({ msg }) => msg.startsWith(message))[count - 1]
      if (line !== undefined) return line
      const ended = this.child.ended.then(({ stderr }) => {
        throw new Error(`the service ended before it logged '${message}': ${stderr}`)
      })
      await Promise.race([once(this.child.process.stdout!, 'data'), ended])
    }
  }

  get(path: string, init?: RequestInit): Promise<Response> {
    return fetch(new URL(path, this.url), init)
  }

  async health(): Promise<Health> {
    return (await (await this.get('health')).json()) as Health
  }

  /** Waits until this many workers have a request and this many requests wait; resolves to the workers' process ids. */
  async occupied(busy: number, queued: number): Promise<number[]> {
    for (;;) {
      const health = await this.health()
      if (health.busy === busy && health.queued === queued && health.workers.length >= busy) return health.workers
    }
  }

  /** Stops the workers (SIGSTOP); resolves to their process ids. */
  async freeze(): Promise<number[]> {
    const pids = (await this.health()).workers
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    this.#frozen.push(...pids)
    return pids
  }

  /** Continues stopped workers, if they still exist. */
  thaw(): void {
    for (const pid of this.#frozen.splice(0)) signal(pid, 'SIGCONT')
  }

  /** Ends it if it still runs; resolves once its workers have exited too. */
  async end(): Promise<void> {
    this.child.process.kill('SIGKILL')
    this.thaw()
    await this.child.ended
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
