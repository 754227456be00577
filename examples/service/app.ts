import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import fastify, { type FastifyError, type FastifyInstance, LogController } from 'fastify'
import type { WormholeError } from 'wormhole-ipc'
import type { Pool } from 'wormhole-ipc/pool'
import { drainOnClose } from './drain.js'
import { exportMetrics } from './metrics.js'
import { statusOf } from './status.js'
import { Workers } from './workers.js'

export interface AppOptions {
  /** Most milliseconds from a request to its answer. */
  deadline: number
  logLevel: string
}

/** Seconds after which a client that met a full pool may ask again. */
const RETRY_AFTER_S = 1

/** The HTTP side of the service. Closing it answers the requests that are under way, then closes the pool. */
export function createApp(jobs: Pool<number, number[]>, { deadline, logLevel }: AppOptions): FastifyInstance {
  const app = fastify({
    logger: { level: logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    // While it stops, what still comes over kept connections is answered too.
    return503OnClosing: false,
  })
  drainOnClose(app)
  const workers = new Workers(app.log)
  app.addHook('onClose', () => jobs.close())
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  let able = true
  app.setErrorHandler((error: FastifyError | WormholeError, request, reply) => {
    const status = statusOf(error)
    if (error.code === 'ERR_WORMHOLE_CHILD_EXITED') able = false
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
      const factors = await jobs.run(number, { signal, onProgress: (pid) => workers.began(pid, id) })
      return { number, factors }
    }
  )

  app.get('/health', async (_request, reply) => {
    // After workers have died too often: whether they can be had now.
    able ||= await jobs.ready().then(
      () => true,
      () => false
    )
    const { running, waiting } = jobs.stats()
    return reply.code(able ? 200 : 503).send({ workers: workers.pids, busy: running, queued: waiting })
  })

  exportMetrics(app, jobs)
  return app
}

/** The client's, if it is one to put into logs, or a new one. */
function requestId({ headers }: IncomingMessage): string {
  const id = headers['x-request-id']
  return typeof id === 'string' && /^[\w.-]{1,64}$/.test(id) ? id : randomUUID()
}
