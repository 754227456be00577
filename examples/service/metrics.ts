import { subscribe } from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { DiagnosticsEvents } from 'wormhole-ipc'
import type { Pool, PoolStats } from 'wormhole-ipc/pool'
import { CLIENT_GONE } from './status.js'

/** What is exported of the pool's `stats()`. */
const POOL: readonly [stat: keyof PoolStats, name: string, help: string][] = [
  ['processes', 'pool_workers', 'Worker processes.'],
  ['running', 'pool_running_jobs', 'Jobs that a worker has.'],
  ['waiting', 'pool_queued_jobs', 'Jobs that wait for a worker.'],
  ['done', 'pool_jobs_done_total', 'Jobs that have a result.'],
  ['failed', 'pool_jobs_failed_total', 'Jobs that have none: given up, or their workers died.'],
  ['retried', 'pool_jobs_retried_total', 'Jobs tried again because their worker has died.'],
  ['died', 'pool_workers_died_total', 'Workers that ended unasked.'],
]

/** Everything that Prometheus is told: of Node, the requests, the pool, and its channels. */
export function exportMetrics(app: FastifyInstance, jobs: Pool<number, number[]>): void {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  watchRequests(app, [registry])
  watchPool(jobs, [registry])
  watchChannels([registry])
  app.get('/metrics', async (_request, reply) => {
    reply.type(registry.contentType)
    return registry.metrics()
  })
}

function watchRequests(app: FastifyInstance, registers: Registry[]): void {
  const help = 'How long requests took, by route and status.'
  const labelNames = ['route', 'status']
  const duration = new Histogram({ name: 'http_request_duration_seconds', help, labelNames, registers })
  app.addHook('onRequest', async ({ routeOptions }, reply) => {
    // Not `onResponse`, which is silent about a client that has gone away.
    reply.raw.once('close', () => {
      const status = reply.raw.writableFinished ? reply.statusCode : CLIENT_GONE
      duration.observe({ route: routeOptions.url ?? 'none', status }, reply.elapsedTime / 1000)
    })
  })
}

function watchPool(jobs: Pool<number, number[]>, registers: Registry[]): void {
  for (const [stat, name, help] of POOL) {
    const Metric = name.endsWith('_total') ? Counter : Gauge
    new Metric({
      name,
      help,
      registers,
      // At each scrape.
      collect() {
        this.reset()
        this.inc(jobs.stats()[stat])
      },
    })
  }
}

/** What this process sends to its workers, and receives from them. */
function watchChannels(registers: Registry[]): void {
  const counter = (name: string, help: string) => new Counter({ name, help, labelNames: ['direction'], registers })
  const messages = counter('wormhole_messages_total', 'Messages, by direction.')
  const bytes = counter('wormhole_bytes_total', 'Bytes of their JSON.')
  const packets = counter('wormhole_packets_total', 'Packets that held them.')
  for (const direction of ['send', 'receive'] as const) {
    subscribe(`wormhole-ipc:${direction}`, (event) => {
      const packet = event as DiagnosticsEvents['wormhole-ipc:send' | 'wormhole-ipc:receive']
      messages.inc({ direction }, packet.messages)
      bytes.inc({ direction }, packet.bytes)
      packets.inc({ direction })
    })
  }
}
