import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { connect } from '@nats-io/transport-node'
import type { TestConnection } from './nats.js'

interface StandIn {
  /** The version that it says it has. */
  version?: string
  /** What it answers to every request; undefined: nobody serves them. */
  answer?: unknown
}

/** Speaks as much of the NATS protocol as a client needs to connect and to ask: for what no real server says when it is asked. */
export class StandInServer {
  readonly #options: StandIn
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  constructor(options: StandIn) {
    this.#options = options
  }

  async start(): Promise<this> {
    this.#server = createServer((socket) => this.#serve(socket)).listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  async connect(): Promise<TestConnection> {
    const { port } = (this.#server as Server).address() as AddressInfo
    return await connect({ servers: `nats://127.0.0.1:${port}`, reconnect: false })
  }

  /** @param reason what it says first */
  stop(reason?: string): void {
    this.#server?.close()
    for (const socket of this.#sockets) {
      if (reason === undefined) socket.destroy()
      else socket.end(`-ERR '${reason}'\r\n`)
    }
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    const { version = '2.10.27', answer } = this.#options
    const info = { server_id: 'STANDIN', version, proto: 1, headers: true, max_payload: 1_048_576, jetstream: true }
    socket.write(`INFO ${JSON.stringify(info)}\r\n`)
    const subscriptions = new Map<string, string>()
    let text = ''
    socket.on('error', () => undefined).setEncoding('utf8')
    socket.on('data', (chunk) => {
      text += chunk
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const [verb, ...words] = text.slice(0, end).split(' ')
        text = text.slice(end + 2)
        if (verb === 'PING') socket.write('PONG\r\n')
        else if (verb === 'SUB') subscriptions.set(words[0] as string, words.at(-1) as string)
        else if (verb === 'PUB' && words.length === 3) this.#answer(socket, words[1] as string, subscriptions, answer)
      }
    })
  }

  #answer(socket: Socket, inbox: string, subscriptions: Map<string, string>, answer: unknown): void {
    const found = [...subscriptions].find(([subject]) => inbox.startsWith(subject.replace('*', '')))
    if (found === undefined) return
    if (answer === undefined) {
      const header = 'NATS/1.0 503\r\n\r\n'
      socket.write(`HMSG ${inbox} ${found[1]} ${header.length} ${header.length}\r\n${header}\r\n`)
    } else {
      const body = JSON.stringify(answer)
      socket.write(`MSG ${inbox} ${found[1]} ${body.length}\r\n${body}\r\n`)
    }
  }
}
