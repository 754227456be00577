#!/usr/bin/env node
import type { ChildProcess } from 'node:child_process'
import { parseArgs } from 'node:util'
import type { Job } from './job.js'
import { work } from './pool.js'

const HELP = `Usage: pool [options]

Hashes generated documents in worker processes that share one channel of jobs, kills
workers at random meanwhile, and tells what became of every job.

  --jobs N      how many documents (default 200)
  --rounds N    how often each is hashed (default 2000)
  --workers N   how many worker processes (default 3)
  --kill N      kill a worker at every Nth result, on average; 0: never (default 20)
  --seed N      of the random choice: when, and whom (default 1)
  --retry       queue the jobs of dead workers again
  --list        print each result
  --help        print this

Exit code: 0 every job is finished, 1 jobs are lost or the run failed, 2 the command line
is wrong.
`

/** How often a job is tried: one that always takes its worker with it must not go on for ever. */
const MAX_TRIES = 10

function readCommandLine() {
  const { values } = parseArgs({
    options: {
      jobs: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '2000' },
      workers: { type: 'string', default: '3' },
      kill: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
      retry: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: 'jobs' | 'rounds' | 'workers' | 'kill' | 'seed', least: number, most: number): number => {
    const value = Number(values[name])
    if (/^\d+$/.test(values[name]) && value >= least && value <= most) return value
    throw new Error(`--${name} takes a number from ${least} to ${most}, not '${values[name]}'`)
  }
  const numbers = { jobs: number('jobs', 1, 1e6), rounds: number('rounds', 1, 1e6), workers: number('workers', 1, 64) }
  return { ...values, ...numbers, kill: number('kill', 0, 1e6), seed: number('seed', 0, 2 ** 32 - 1) }
}

/** Numbers from 0 to below 1, the same for the same seed: a 32-bit linear congruential generator. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

async function main({ jobs: count, rounds, workers, kill, seed, retry, list }: ReturnType<typeof readCommandLine>) {
  const jobs = Array.from({ length: count }, (_, seed): Job => ({ name: `document-${seed + 1}`, seed, rounds }))
  const finished = new Set<string>()
  const next = random(seed)
  const strike = (workers: readonly ChildProcess[]) => {
    const alive = workers.filter(({ killed }) => !killed)
    const due = kill > 0 && next() * kill < 1
    const victim = alive[Math.floor(next() * alive.length)]
    if (due) victim?.kill('SIGKILL')
  }

  let unfinished = jobs
  let [killed, retried] = [0, 0]
  for (let tries = 1; ; tries++) {
    killed += await work(unfinished, {
      workers,
      onResult: ({ name, digest }, workers) => {
        if (finished.has(name)) throw new Error(`${name} was finished twice`)
        finished.add(name)
        if (list) console.log(`${digest}  ${name}`)
        strike(workers)
      },
    })
    unfinished = jobs.filter(({ name }) => !finished.has(name))
    if (!retry || unfinished.length === 0 || tries === MAX_TRIES) break
    retried += unfinished.length
  }

  console.log(`jobs      ${count}\nfinished  ${finished.size}`)
  console.log(`lost      ${[unfinished.length, ...unfinished.map(({ name }) => name)].join(' ')}`)
  console.log(`retried   ${retried}\nkilled    ${killed} workers`)
  if (unfinished.length > 0) process.exitCode = 1
}

function fail(error: unknown, exitCode: number): void {
  console.error(`pool: ${(error as Error).message}${exitCode === 2 ? "\nTry 'pool --help'." : ''}`)
  process.exitCode = exitCode
}

let options: ReturnType<typeof readCommandLine> | undefined
try {
  options = readCommandLine()
} catch (error) {
  fail(error, 2)
}
if (options?.help) process.stdout.write(HELP)
else if (options !== undefined) await main(options).catch((error: unknown) => fail(error, 1))
