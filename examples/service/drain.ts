import type { FastifyInstance } from 'fastify'

/**
 * Sees to it that closing the server answers every request under way, and that nothing else holds it up: neither
 * connections that clients would keep, nor such as have never said anything.
 */
export class Drain {
  stopping = false
  readonly #app: FastifyInstance
  #underWay = 0

  constructor(app: FastifyInstance) {
    this.#app = app
    app.addHook('onRequest', async (_request, { raw }) => {
      this.#underWay++
      raw.once('close', () => {
        this.#underWay--
        this.#closeIfDone()
      })
    })
    app.addHook('onSend', async (_request, reply) => {
      if (this.stopping) reply.header('connection', 'close')
    })
    app.addHook('preClose', async () => {
      this.stopping = true
      // The server stops listening behind this hook.
      setImmediate(() => this.#closeIfDone())
    })
  }

  #closeIfDone(): void {
    if (this.stopping && this.#underWay === 0) this.#app.server.closeAllConnections()
  }
}
