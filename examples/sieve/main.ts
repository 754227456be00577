#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { channel } from 'wormhole-ipc'
import { type Found, start, untilNobodyTakes } from './sieve.js'

const HELP = `Usage: sieve [options]

Prints the first primes: Eratosthenes' sieve as a chain of stages, each of which holds
one prime, and makes the next stage when a number gets past it.

  -n, --primes N       how many primes (default: 25)
  -k, --per-process K  how many stages share a process (default: 10)
  -v, --verbose        tell on standard error how many processes it took
  -h, --help           print this

Exit code: 0 all were found, 1 some were not, 2 the command line is wrong.
`

const MOST_PROCESSES = 100

function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: {
        primes: { type: 'string', short: 'n', default: '25' },
        'per-process': { type: 'string', short: 'k', default: '10' },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const [stages, perProcess] = ([values.primes, values['per-process']] as string[]).map(Number)
    const isCount = (value: number | undefined): value is number => Number.isSafeInteger(value) && value! >= 1
    if (!isCount(stages)) throw new Error(`--primes takes a number from 1, not '${values.primes}'`)
    if (!isCount(perProcess)) throw new Error(`--per-process takes a number from 1, not '${values['per-process']}'`)
    if (stages > MOST_PROCESSES * perProcess) {
      throw new Error(`more than ${MOST_PROCESSES} processes: raise --per-process`)
    }
    return { ...values, stages, perProcess }
  } catch (error) {
    console.error(`sieve: ${(error as Error).message}\nTry 'sieve --help'.`)
    process.exit(2)
  }
}

const { stages, perProcess, verbose, help } = readCommandLine()

async function main(): Promise<void> {
  const [naturals, numbers] = channel<number>()
  const [found, primes] = channel<Found>()
  // Without end: it is stopped by the stages, which take no more than they can pass on, and at last none at all.
  const count = async () => {
    for (let n = 2; ; n++) await naturals.send(n)
  }
  const pids = new Set<number>()
  let printed = 0
  const print = async () => {
    for await (const { prime, pid } of primes) {
      console.log(prime)
      printed++
      pids.add(pid)
    }
  }
  await Promise.all([
    start({ numbers, primes: found }, { index: 0, stages, perProcess }),
    untilNobodyTakes(count()),
    print(),
  ])
  if (verbose) console.error(`sieve: ${stages} stages in ${pids.size} processes: ${[...pids].join(' ')}`)
  if (printed < stages) process.exitCode = 1
}

if (help) process.stdout.write(HELP)
else await main()
