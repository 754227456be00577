import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect } from '@nats-io/transport-node'
import type { NatsConnection } from 'wormhole-ipc/nats'

const script = fileURLToPath(new URL('../../../scripts/nats-server.mjs', import.meta.url))

/** The server's program; undefined if there is none here. */
export const natsProgram: string | undefined =
  spawnSync(process.execPath, [script, '--here'], { encoding: 'utf8' }).stdout.trim() || undefined

/** Connects as a test wants it: reconnects for as long as it lasts. */
export type TestConnection = Awaited<ReturnType<typeof connect>> & NatsConnection

/** A private server with JetStream on a free port of the loopback device, in a folder of its own. */
export class TestServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'wormhole-nats-'))
  readonly #configuration: string
  readonly #connections: TestConnection[] = []
  #process: ChildProcess | undefined
  port = -1

  /** @param configuration lines for its configuration file */
  constructor(configuration = `jetstream { store_dir: "%folder%" }`) {
    this.#configuration = configuration
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  /** Starts it, again if it has run before: then on the same port, with what it has kept. */
  async start(): Promise<this> {
    const file = join(this.folder, 'server.conf')
    const lines = this.#configuration.replaceAll('%folder%', this.folder)
    writeFileSync(file, `listen: "127.0.0.1:${this.port}"\n${lines}\n`)
    // Without what `npm run test:asan` preloads, which is for the addon.
    const { LD_PRELOAD, ...env } = process.env
    const child = spawn(natsProgram as string, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'], env })
    running.add(child)
    this.#process = child
    let log = ''
    // Read to its end: a server that cannot write its log dies.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
    while (!/Server is ready/.test(log) && !child.stderr.readableEnded) await once(child.stderr, 'data')
    const port = /client connections on 127\.0\.0\.1:(\d+)/.exec(log)?.[1]
    if (port === undefined) throw new Error(`nats-server did not start: ${log}`)
    this.port = Number(port)
    return this
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
    running.delete(child)
  }

  async connect(options: Parameters<typeof connect>[0] = {}): Promise<TestConnection> {
    const connection = await connect({
      servers: this.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 20,
      reconnectJitter: 10,
      ...options,
    })
    this.#connections.push(connection)
    return connection
  }

  /** Closes all connections, ends the server and removes its folder. */
  async stop(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()))
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Leaves a `describe` out, and says so, if there is no server here. */
export function needsServer(context: Mocha.Context): void {
  if (natsProgram !== undefined) return
  console.log('    left out: there is no nats-server 2.10.27 or later here (node scripts/nats-server.mjs fetches one)')
  context.skip()
}

/** In a `describe`: a server for all its tests; they are left out if there is none. */
export function usesServer(configuration?: string): { readonly current: TestServer } {
  let server: TestServer | undefined
  before(async function () {
    needsServer(this)
    server = await new TestServer(configuration).start()
  })
  after(() => server?.stop())
  return {
    get current() {
      return server as TestServer
    },
  }
}

/** In a `describe` with {@link usesServer}: two connections to its server, as of two hosts. */
export function usesConnections(server: { readonly current: TestServer }): {
  near: TestConnection
  far: TestConnection
} {
  const connections = {} as { near: TestConnection; far: TestConnection }
  before(async () => {
    connections.near = await server.current.connect()
    connections.far = await server.current.connect()
  })
  return connections
}

let names = 0

/** A name that no other channel has. */
export function freshName(): string {
  names++
  return `test-${process.pid}-${names}`
}
