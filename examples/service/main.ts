#!/usr/bin/env node
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { pool } from 'wormhole-ipc/pool'
import { createApp } from './app.js'

const HELP = `Usage: service [options]

Serves the prime factors of numbers over HTTP. Worker processes do the work; one that
dies is replaced, and its request tried again.

  GET /factors/NUMBER   the prime factors of a number from 2 to 2^53 - 1
                        503: too many requests wait, 504: not done by the deadline
  GET /health           whether it serves, and by which workers
  GET /metrics          for Prometheus

  --host HOST       the address to listen on (default 127.0.0.1)
  --port N          the port to listen on; 0: any that is free (default 3000)
  --workers N       how many worker processes (default: the number of processors)
  --queue N         how many requests may wait for a worker (default 100)
  --deadline MS     how long a request may take (default 10000)
  --log LEVEL       what to log: error, warn, info or debug (default info)
  --help            print this

SIGTERM or SIGINT: answers the requests that are under way, and ends. A second one: ends
at once.

Exit code: 0 stopped, all requests answered, 1 it could not start or was stopped at once,
2 the command line is wrong.
`

/** How often a request is tried again: one that always takes its worker with it must not go on for ever. */
const RETRIES = 4
const LOG_LEVELS = ['error', 'warn', 'info', 'debug']

function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: {
        host: { type: 'string', default: '127.0.0.1' },
        port: { type: 'string', default: '3000' },
        workers: { type: 'string', default: `${availableParallelism()}` },
        queue: { type: 'string', default: '100' },
        deadline: { type: 'string', default: '10000' },
        log: { type: 'string', default: 'info' },
        help: { type: 'boolean', default: false },
      },
    })
    const number = (name: 'port' | 'workers' | 'queue' | 'deadline', least: number, most: number): number => {
      const value = Number(values[name])
      if (/^\d+$/.test(values[name]) && value >= least && value <= most) return value
      throw new Error(`--${name} takes a number from ${least} to ${most}, not '${values[name]}'`)
    }
    if (!LOG_LEVELS.includes(values.log))
      throw new Error(`--log takes one of ${LOG_LEVELS.join(', ')}, not '${values.log}'`)
    const numbers = {
      port: number('port', 0, 65535),
      workers: number('workers', 1, 256),
      queue: number('queue', 1, 1e6),
    }
    return { ...values, ...numbers, deadline: number('deadline', 1, 3_600_000) }
  } catch (error) {
    fail(error, 2)
  }
}

async function main({ host, port, workers, queue, deadline, log }: ReturnType<typeof readCommandLine>): Promise<void> {
  const jobs = pool<number, number[]>(new URL('worker.js', import.meta.url), { size: workers, queue, retries: RETRIES })
  const app = createApp(jobs, { deadline, logLevel: log })
  try {
    await jobs.ready()
    await app.listen({ host, port, listenTextResolver: (address) => `listening at ${address}` })
  } catch (error) {
    await app.close()
    throw error
  }
  let stopping = false
  const stop = () => {
    if (stopping) {
      app.log.warn('stopped at once')
      process.exit(1)
    }
    stopping = true
    app.log.info('stopping: answers what is under way')
    // Nothing is left to do then, and the process ends.
    app.close().catch((error: Error) => fail(error, 1))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

function fail(error: unknown, exitCode: number): never {
  console.error(`service: ${(error as Error).message}${exitCode === 2 ? "\nTry 'service --help'." : ''}`)
  process.exit(exitCode)
}

const options = readCommandLine()
if (options.help) process.stdout.write(HELP)
else await main(options).catch((error: unknown) => fail(error, 1))
