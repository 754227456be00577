import { connect } from '@nats-io/transport-node'
import { natsReceiver, natsSender } from 'wormhole-ipc/nats'
import count from '../census/count.js'
import type { Job, Result } from './protocol.js'

/**
 * A worker of the second host: counts what is in each job. A job is acknowledged when the loop asks for the next, and by then
 * the stream has its result: a worker that dies has lost nothing, at worst a job is done twice.
 */

const [servers, leaseMs] = process.argv.slice(2)
const connection = await connect({ servers: servers!, waitOnFirstConnect: true, maxReconnectAttempts: -1 })
const jobs = await natsReceiver<Job>(connection, 'census.jobs', { leaseMs: Number(leaseMs) })
const results = await natsSender<Result>(connection, 'census.results')
for await (const { run, id, batch } of jobs) {
  await results.send({ run, id, counts: count(batch).toJSON() })
}
