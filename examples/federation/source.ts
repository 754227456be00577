import { randomUUID } from 'node:crypto'
import { connect } from '@nats-io/transport-node'
import { natsReceiver, natsSender } from 'wormhole-ipc/nats'
import { batches, findInput } from '../census/records.js'
import { Tally } from '../census/tally.js'
import type { Job, Result } from './protocol.js'

/**
 * The first host: sends what is in a file or folder of NDJSON, a batch a job, and adds up the results. A result that comes
 * twice counts once: the ledger knows the jobs that are done. Prints the ledger and the counts as JSON.
 */

const [servers, path] = process.argv.slice(2)
const connection = await connect({ servers: servers!, waitOnFirstConnect: true, maxReconnectAttempts: -1 })
const jobs = await natsSender<Job>(connection, 'census.jobs', { coalesce: false, capacity: 64 })
const results = await natsReceiver<Result>(connection, 'census.results', { prefetch: 4 })

const run = randomUUID()
const finished = new AbortController()
const done = new Set<number>()
const total = new Tally()
let sent = 0
let twice = 0
let sending = true

async function send(): Promise<void> {
  for await (const batch of batches(await findInput(path))) {
    await jobs.send({ run, id: sent, batch })
    sent++
    process.stderr.write('.')
  }
  sending = false
  endIfDone()
}

/** The last result may come before the acknowledgement of its job: so both look whether it was the last. */
function endIfDone(): void {
  if (!sending && done.size === sent) finished.abort()
}

async function collect(): Promise<void> {
  while (!finished.signal.aborted) {
    const result = await results.recv({ signal: finished.signal }).catch((error: Error) => {
      if (!finished.signal.aborted) throw error
    })
    if (result === undefined) return
    // Of an earlier run, which was stopped.
    if (result.run !== run) continue
    if (done.has(result.id)) twice++
    else total.merge(result.counts)
    done.add(result.id)
    endIfDone()
  }
}

await Promise.all([send(), collect()])
await Promise.all([jobs.close(), results.close()])
await connection.close()
console.log(JSON.stringify({ jobs: sent, done: done.size, twice, counts: total }))
