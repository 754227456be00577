import { EventEmitter, once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'
import type { Address, Answer } from './protocol.js'

/** Clients that send one request after the other until they are stopped. Every other one keeps its connection. */
export class Load extends EventEmitter<{ answer: [] }> {
  requests = 0
  /** Requests that went over a connection that an earlier one had used. */
  kept = 0
  readonly failures: Error[] = []
  /** By the generation that gave them. */
  readonly #answers = new Map<number, number>()
  #stopping = false
  readonly #done: Promise<unknown>

  constructor(address: Address, clients: number) {
    super()
    const server = 'path' in address ? { socketPath: address.path } : { host: '127.0.0.1', port: address.port }
    this.#done = Promise.all(Array.from({ length: clients }, (_, number) => this.#client(server, number)))
  }

  /** Resolves once a generation has given `count` answers, or a request has failed. */
  async answered(generation: number, count: number): Promise<void> {
    while (this.failures.length === 0 && (this.#answers.get(generation) ?? 0) < count) await once(this, 'answer')
  }

  /** Resolves when all requests have their answers. */
  async stop(): Promise<void> {
    this.#stopping = true
    await this.#done
  }

  async #client(server: { socketPath: string } | { host: string; port: number }, number: number): Promise<void> {
    const agent = new Agent({ keepAlive: number % 2 === 0, maxSockets: 1 })
    for (let count = 0; !this.#stopping; count++) {
      this.requests++
      const path = `/client-${number}/request-${count}`
      try {
        const request = get({ ...server, agent, path })
        const [response] = (await once(request, 'response')) as [IncomingMessage]
        const answer = (await json(response)) as Answer
        if (answer.path !== path) throw new Error(`the answer to ${answer.path} came for ${path}`)
        this.#answers.set(answer.generation, (this.#answers.get(answer.generation) ?? 0) + 1)
        if (request.reusedSocket) this.kept++
      } catch (error) {
        // One is one too many: the others need not go on.
        this.failures.push(error as Error)
        this.#stopping = true
      }
      this.emit('answer')
    }
    agent.destroy()
  }
}
