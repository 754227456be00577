import { Receiver, Sender, WormholeError } from 'wormhole-ipc'
import type { Job, Kind } from './records.js'
import { count, emptyTally, type Result } from './tally.js'

/** Most milliseconds of work that die with a worker. */
const REPORT_MS = 50

// The descriptors that the main program put at 3 and 4.
const jobs = Receiver.fromFd<Job>(3)
const results = Sender.fromFd<Result>(4)

const kind = process.argv[2] as Kind
const worker = Number(process.argv[3])

try {
  let tally = emptyTally()
  // Here I am.
  await results.send({ worker, tally })
  let reported = performance.now()
  // Every worker reads the same end: each job goes to exactly one of them. The loop ends with the input.
  for await (const job of jobs) {
    count(tally, kind, job)
    if (performance.now() - reported < REPORT_MS) continue
    await results.send({ worker, tally })
    tally = emptyTally()
    reported = performance.now()
  }
  await results.send({ worker, tally })
} catch (error) {
  // Without a main program there is nobody left to tell.
  if (!(error instanceof WormholeError) || error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
  process.exitCode = 1
}
