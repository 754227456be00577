#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { type Run, run } from './load-run.js'
import { LoadService } from './load-service.js'

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
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '1000' },
      connections: { type: 'string', default: '8' },
      workers: { type: 'string', default: '2' },
      kill: { type: 'string', default: '50' },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: 'requests' | 'connections' | 'workers' | 'kill', least: number, most: number): number => {
    const value = Number(values[name])
    if (/^\d+$/.test(values[name]) && value >= least && value <= most) return value
    throw new Error(`--${name} takes a number from ${least} to ${most}, not '${values[name]}'`)
  }
  const connections = number('connections', 1, 100)
  return {
    help: values.help,
    connections,
    // Each connection has its share.
    requests: number('requests', connections, 1e6),
    workers: number('workers', 1, 64),
    kill: number('kill', 1, 1e6),
  }
}

const COLUMNS: readonly [title: string, value: (run: Run) => number][] = [
  ['requests', ({ requests }) => requests],
  ['failures', ({ failures }) => failures],
  ['kills', ({ kills }) => kills],
  ['retried', ({ retried }) => retried],
  ['requests/s', ({ perSecond }) => perSecond],
  ['p50 ms', ({ latency }) => latency.p50],
  ['p90 ms', ({ latency }) => latency.p90],
  ['p99 ms', ({ latency }) => latency.p99],
  ['max ms', ({ latency }) => latency.max],
]

function print(name: string, cells: readonly string[]): void {
  console.log([name.padEnd(15), ...cells.map((cell, column) => cell.padStart(COLUMNS[column]![0].length + 2))].join(''))
}

async function main({ requests, connections, workers, kill }: ReturnType<typeof readCommandLine>): Promise<void> {
  const service = await LoadService.start(['--workers', `${workers}`])
  let failures = 0
  try {
    print(
      '',
      COLUMNS.map(([title]) => title)
    )
    for (const [name, every] of [
      ['undisturbed', 0],
      ['workers killed', kill],
    ] as const) {
      const result = await run(service, { requests, connections, kill: every })
      print(
        name,
        COLUMNS.map(([, value]) => value(result).toFixed(0))
      )
      failures += result.failures
    }
  } catch (error) {
    service.kill()
    throw error
  }
  const code = await service.stop()
  if (code !== 0) throw new Error(`the service ended with exit code ${code}`)
  if (failures > 0) process.exitCode = 1
}

function fail(error: unknown, exitCode: number): void {
  console.error(`load: ${(error as Error).message}${exitCode === 2 ? "\nTry 'load --help'." : ''}`)
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
