import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import fastify, { type FastifyError, type FastifyInstance, LogController } from 'fastify'
import { drainOnClose } from './drain.js'
import { exportMetrics } from './metrics.js'
import type { Pool } from './pool.js'
import type { PoolError } from './pool-error.js'
import { statusOf } from './status.js'

export interface AppOptions {
  /** Most milliseconds from a request to its answer. */
  deadline: number
  logLevel: string
}

/** Seconds after which a client that met a full pool may ask again. */
const RETRY_AFTER_S = 1

/** The HTTP side of the service. Closing it answers the requests that are under way, then closes the pool. */
export function createApp(pool: Pool, { deadline, logLevel }: AppOptions): FastifyInstance {
  const app = fastify({
    logger: { level: logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    // While it stops, what still comes over kept connections is answered too.
    return503OnClosing: false,
  })
  drainOnClose(app)
  app.addHook('onClose', () => pool.close())
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  app.setErrorHandler((error: FastifyError | PoolError, request, reply) => {
    const status = statusOf(error)
    // The others are expected, and counted by the metrics.
    if (status === 500) request.log.error(error)
    if (status === 503) reply.header('retry-after', RETRY_AFTER_S)
    return reply.code(status).send({ error: error.message, id: request.id })
  })

  const params = {
    type: 'object',
    properties: { number: { type: 'integer', minimum: 2, maximum: Number.MAX_SAFE_INTEGER } },
  }
  app.get<{ Params: { number: number } }>(
    '/factors/:number',
    { schema: { params }, handlerTimeout: deadline },
    async ({ id, params: { number }, signal }) => {
      // The signal aborts at the deadline, and when the client has gone away.
      return { number, factors: await pool.run({ id, number }, signal) }
    }
  )

  app.get('/health', async (_request, reply) => {
    const workers = pool.workers.map(({ pid, ready, task }) => ({ pid, ready, busy: task !== undefined }))
    return reply.code(workers.some(({ ready }) => ready) ? 200 : 503).send({ workers, queued: pool.queued })
  })

  exportMetrics(app, pool)
  return app
}

/** The client's, if it is one to put into logs, or a new one. */
function requestId({ headers }: IncomingMessage): string {
  const id = headers['x-request-id']
  return typeof id === 'string' && /^[\w.-]{1,64}$/.test(id) ? id : randomUUID()
}
