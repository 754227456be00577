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

const MAX_PROCESSES = 100

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
    if (stages > MAX_PROCESSES * perProcess) {
      throw new Error(`more than ${MAX_PROCESSES} processes: raise --per-process`)
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
  const ended = start({ numbers, primes: found }, { index: 0, stages, perProcess })
  let fed = 2
  let feeding = naturals.send(fed)
  const pids: number[] = []
  for await (const { prime, pid } of primes) {
    console.log(prime)
    pids.push(pid)
    // The next prime is below the double of this one (Bertrand's postulate): it needs no number beyond that.
    const more = Array.from({ length: 2 * prime - fed }, (_, index) => fed + 1 + index)
    fed = 2 * prime
    // Not awaited: this loop must go on, or a stage with a prime to tell could wait for ever.
    feeding = feeding.then(() => untilNobodyTakes(naturals.sendAll(more)))
  }
  await feeding
  naturals.close()
  await ended
  const processes = [...new Set(pids)]
  if (verbose) console.error(`sieve: ${pids.length} stages in ${processes.length} processes: ${processes.join(' ')}`)
  if (pids.length < stages) process.exitCode = 1
}

if (help) process.stdout.write(HELP)
else await main()
