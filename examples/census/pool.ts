import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { channel, type Receiver, type Sender } from 'wormhole-ipc'
import { type Input, type Job, type Kind, records } from './records.js'
import { emptyTally, merge, type Result, type Tally } from './tally.js'

export interface PoolOptions {
  workers: number
  /** Told what happens. */
  log: (line: string) => void
  /** Told the bytes of the records counted so far. */
  progress: (bytes: number) => void
}

export interface Outcome {
  total: Tally
  /** How many records each worker counted. */
  shares: number[]
}

/** Counts all records of an input in several processes. Fails when a worker does: its numbers would be missing. */
export async function countAll(input: Input, { workers, log, progress }: PoolOptions): Promise<Outcome> {
  // One record a packet: what a worker takes in one go is one record, and the others get the rest.
  const [sendJobs, takeJobs] = channel<Job>({ coalesce: false })
  const [sendResults, takeResults] = channel<Result>()

  const stop = new AbortController()
  const ends = Array.from({ length: workers }, async (_, index) => {
    const { name, ended } = startWorker(index + 1, input.kind, takeJobs, sendResults)
    log(`${name} started`)
    const failure = await ended
    if (failure === null) return null
    stop.abort()
    return `${name} ${failure}`
  })
  // The workers have these ends now. While copies are open here, their deaths would go unnoticed.
  takeJobs.close()
  sendResults.close()

  // A worker's first result only says that it is up: else the first of them takes a short input whole.
  const ready = (async () => {
    for (const _ of ends) await takeResults.recv({ signal: stop.signal })
  })()

  async function feed(): Promise<void> {
    try {
      await ready
      log(`all ${await sendJobs.sendAll(records(input), { signal: stop.signal })} records are sent`)
    } finally {
      // The workers' loops end behind the last record.
      sendJobs.close()
    }
  }

  const total = emptyTally()
  const shares = new Array<number>(workers).fill(0)
  async function gather(): Promise<void> {
    await ready.catch(() => undefined)
    try {
      // Ends when the last worker is gone, whichever way.
      for await (const { worker, tally } of takeResults) {
        merge(total, tally)
        shares[worker - 1]! += tally.taken
        progress(total.bytes)
      }
    } finally {
      takeResults.close()
    }
  }

  const [fed, gathered] = await Promise.allSettled([feed(), gather()])
  const deaths = (await Promise.all(ends)).filter((death) => death !== null)
  // What the kernel took and no result acknowledged.
  const sent = sendJobs.stats().messages
  const lost = sent - total.taken
  if (deaths.length > 0) {
    throw new Error(
      `${deaths.join(', ')}; ${lost} of the ${sent} records sent by then are lost, so there is no report. ` +
        'Run it again, with fewer --workers if memory is short'
    )
  }
  if (fed.status === 'rejected') throw fed.reason
  if (gathered.status === 'rejected') throw gathered.reason
  return { total, shares }
}

/** Starts a worker that finds the two ends at its descriptors 3 and 4. `ended` tells what went wrong, if anything. */
function startWorker(number: number, kind: Kind, jobs: Receiver<Job>, results: Sender<Result>) {
  const file = fileURLToPath(new URL('worker.js', import.meta.url))
  const child = spawn(process.execPath, [file, kind, `${number}`], {
    stdio: ['ignore', 'inherit', 'inherit', jobs.fd, results.fd],
  })
  const ended = new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(`could not be started (${error.message})`))
    child.once('exit', (code, signal) => {
      if (signal !== null) resolve(`was killed by ${signal}`)
      else resolve(code === 0 ? null : `ended with exit code ${code}`)
    })
  })
  return { name: `worker ${number} (pid ${child.pid})`, ended }
}
