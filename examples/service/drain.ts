import type { FastifyInstance } from 'fastify'

/**
 * Sees to it that closing the server answers every request under way, and that nothing else holds it up: neither
 * connections that clients would keep, nor such as have never said anything.
 */
export function drainOnClose(app: FastifyInstance): void {
  let underWay = 0
  let stopping = false
  const closeIfDone = () => {
    if (stopping && underWay === 0) app.server.closeAllConnections()
  }
  app.addHook('onRequest', async (_request, { raw }) => {
    underWay++
    raw.once('close', () => {
      underWay--
      closeIfDone()
    })
  })
  app.addHook('onSend', async (_request, reply) => {
    if (stopping) reply.header('connection', 'close')
  })
  app.addHook('preClose', async () => {
    stopping = true
    // The server stops listening right behind this hook.
    setImmediate(closeIfDone)
  })
}
