#!/usr/bin/env node
import { existsSync, rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Generation } from './generation.js'
import { Load } from './load.js'

const HELP = `Usage: restart [options]

Replaces an HTTP server process again and again under load: each gives its listening
socket to its successor, answers what it has accepted, and ends. No request may fail.

  --generations N   how many server processes, one after the other (default 4)
  --requests N      how many requests each answers before it is replaced (default 200)
  --clients N       how many clients ask at the same time (default 8)
  --unix PATH       serve on a new Unix socket of this name instead of a TCP port
  --help            print this

Exit code: 0 every request was answered, 1 one was not or the run failed, 2 the command
line is wrong.
`

function readCommandLine() {
  const { values } = parseArgs({
    options: {
      generations: { type: 'string', default: '4' },
      requests: { type: 'string', default: '200' },
      clients: { type: 'string', default: '8' },
      unix: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: 'generations' | 'requests' | 'clients', most: number): number => {
    const value = Number(values[name])
    if (/^\d+$/.test(values[name]) && value >= 1 && value <= most) return value
    throw new Error(`--${name} takes a number from 1 to ${most}, not '${values[name]}'`)
  }
  const numbers = { generations: number('generations', 1000), requests: number('requests', 1e6) }
  return { ...numbers, clients: number('clients', 100), unix: values.unix, help: values.help }
}

async function main({ generations, requests, clients, unix }: ReturnType<typeof readCommandLine>): Promise<void> {
  if (unix !== undefined && existsSync(unix)) throw new Error(`${unix} exists already`)
  try {
    let current = await Generation.start(1)
    const port = await current.listen(unix === undefined ? { port: 0 } : { path: unix })
    const load = new Load(unix === undefined ? { port: port as number } : { path: unix }, clients)
    console.log('generation  requests')
    await load.answered(1, requests)
    while (current.number < generations && load.failures.length === 0) {
      const next = await Generation.start(current.number + 1)
      await current.shareWith(next)
      console.log(`${current.number}`.padEnd(11), await current.stop())
      current = next
      await load.answered(current.number, requests)
    }
    await load.stop()
    console.log(`${current.number}`.padEnd(11), await current.stop())
    console.log(`total       ${load.requests}, ${load.kept} of them over kept connections`)
    console.log(['failures   ', load.failures.length, ...load.failures].join(' '))
    if (load.failures.length > 0) process.exitCode = 1
  } finally {
    if (unix !== undefined) rmSync(unix, { force: true })
  }
}

function fail(error: unknown, exitCode: number): void {
  console.error(`restart: ${(error as Error).message}${exitCode === 2 ? "\nTry 'restart --help'." : ''}`)
  // Whatever still runs here ends, and with its ends of the channels the servers do.
  process.exit(exitCode)
}

let options: ReturnType<typeof readCommandLine> | undefined
try {
  options = readCommandLine()
} catch (error) {
  fail(error, 2)
}
if (options?.help) process.stdout.write(HELP)
else if (options !== undefined) await main(options).catch((error: unknown) => fail(error, 1))
