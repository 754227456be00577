#!/usr/bin/env node
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { run, startService } from './load-run.js'

const HELP = `Usage: load [options]

Starts the service, and sends it the same load twice: undisturbed, and while its workers
are killed. No request may fail.

  --requests N      how many requests each time (default 1000)
  --connections N   over how many connections (default 8)
  --workers N       how many workers the service has (default 2)
  --kill N          kill a worker at every Nth answer (default 50)
  --help            print this

Exit code: 0 every request had its right answer, 1 one had not or the run failed, 2 the
command line is wrong.
`

function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: {
        requests: { type: 'string', default: '1000' },
        connections: { type: 'string', default: '8' },
        workers: { type: 'string', default: '2' },
        kill: { type: 'string', default: '50' },
        help: { type: 'boolean', default: false },
      },
    })
    const number = (name: 'requests' | 'connections' | 'workers' | 'kill', min: number, max: number): number => {
      const value = Number(values[name])
      if (/^\d+$/.test(values[name]) && value >= min && value <= max) return value
      throw new Error(`--${name} takes a number from ${min} to ${max}, not '${values[name]}'`)
    }
    const connections = number('connections', 1, 100)
    // Each connection has its share.
    const requests = number('requests', connections, 1e6)
    return { help: values.help, connections, requests, workers: number('workers', 1, 64), kill: number('kill', 1, 1e6) }
  } catch (error) {
    fail(error, 2)
  }
}

async function main({ workers, kill, ...load }: ReturnType<typeof readCommandLine>): Promise<void> {
  const { url, service } = await startService(workers)
  const ended = once(service, 'exit')
  try {
    const rows = {
      undisturbed: await run(url, { ...load, kill: 0 }),
      'workers killed': await run(url, { ...load, kill }),
    }
    const titles = Object.keys(rows.undisturbed)
    console.log([''.padEnd(15), ...titles.map((title) => `  ${title}`)].join(''))
    for (const [name, row] of Object.entries(rows)) {
      const cells = titles.map((title) => row[title]!.toFixed(0).padStart(title.length + 2))
      console.log([name.padEnd(15), ...cells].join(''))
      if (row.failures! > 0) process.exitCode = 1
    }
  } finally {
    service.kill('SIGTERM')
  }
  const [code] = await ended
  if (code !== 0) throw new Error(`the service ended with exit code ${code}`)
}

function fail(error: unknown, exitCode: number): never {
  console.error(`load: ${(error as Error).message}${exitCode === 2 ? "\nTry 'load --help'." : ''}`)
  process.exit(exitCode)
}

const options = readCommandLine()
if (options.help) process.stdout.write(HELP)
else await main(options).catch((error: unknown) => fail(error, 1))
