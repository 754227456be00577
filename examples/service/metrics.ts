import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { ChannelMetrics } from './channel-metrics.js'
import type { Pool } from './pool.js'
import { CLIENT_GONE } from './status.js'

/** Everything that Prometheus is told: of Node, the requests, the pool, and its channels. */
export function exportMetrics(app: FastifyInstance, pool: Pool): void {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  watchRequests(app, registers)
  watchPool(pool, registers)

  const channels = new ChannelMetrics(registry)
  pool.on('started', ({ ends }) => channels.add(ends))
  pool.on('ended', ({ ends }) => channels.remove(ends))

  app.get('/metrics', async (_request, reply) => {
    reply.type(registry.contentType)
    return registry.metrics()
  })
}

function watchRequests(app: FastifyInstance, registers: Registry[]): void {
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'How long requests took, by route and status.',
    labelNames: ['route', 'status'],
    registers,
  })
  app.addHook('onRequest', async ({ routeOptions }, reply) => {
    // Not `onResponse`, which is silent about a client that has gone away.
    reply.raw.once('close', () => {
      const status = reply.raw.writableFinished ? reply.statusCode : CLIENT_GONE
      duration.observe({ route: routeOptions.url ?? 'none', status }, reply.elapsedTime / 1000)
    })
  })
}

function watchPool(pool: Pool, registers: Registry[]): void {
  new Gauge({
    name: 'pool_workers',
    help: 'Workers, by what they are at.',
    labelNames: ['state'],
    registers,
    collect() {
      const { workers } = pool
      const busy = workers.filter(({ task }) => task !== undefined).length
      const idle = workers.filter((worker) => worker.idle).length
      this.set({ state: 'busy' }, busy)
      this.set({ state: 'idle' }, idle)
      this.set({ state: 'starting or ending' }, workers.length - busy - idle)
    },
  })
  new Gauge({
    name: 'pool_queued_jobs',
    help: 'Jobs that wait for a worker.',
    registers,
    collect() {
      this.set(pool.queued)
    },
  })
  const ended = new Counter({ name: 'pool_workers_ended_total', help: 'Workers that have ended.', registers })
  pool.on('ended', () => ended.inc())
  const retried = new Counter({
    name: 'pool_jobs_retried_total',
    help: 'Jobs tried again because their worker has died.',
    registers,
  })
  pool.on('retried', () => retried.inc())
}
