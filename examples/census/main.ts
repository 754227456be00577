#!/usr/bin/env node
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { countAll } from './pool.js'
import { findInput, sizeOf } from './records.js'
import { asObject, asText, progressBar } from './report.js'

const HELP = `Usage: census [options] [file or folder]

Counts JSON records in several processes, which share the work through one channel.
Without a file or folder it reads every package.json under ./node_modules; with one,
NDJSON: a record a line. Of a folder it reads the *.ndjson and *.jsonl files.

  -w, --workers N   how many worker processes (default: the cores, at least 2)
      --json        print the report as JSON
  -v, --verbose     tell on standard error what happens, and the workers' process ids
  -h, --help        print this

Exit code: 0 all was counted, 1 the run failed, 2 the command line is wrong.
`

const MAX_WORKERS = 256

class UsageError extends Error {}

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        workers: { type: 'string', short: 'w', default: `${Math.max(2, availableParallelism())}` },
        json: { type: 'boolean', default: false },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const workers = Number(values.workers)
    if (!/^\d+$/.test(values.workers) || workers < 1 || workers > MAX_WORKERS) {
      throw new Error(`--workers takes a number from 1 to ${MAX_WORKERS}, not '${values.workers}'`)
    }
    if (positionals.length > 1) throw new Error(`one file or folder at a time, not also '${positionals[1]}'`)
    return { ...values, workers, path: positionals[0] }
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

async function main(): Promise<void> {
  const { path, workers, json, verbose, help } = readCommandLine()
  if (help) {
    process.stdout.write(HELP)
    return
  }
  const began = performance.now()
  const input = await findInput(path)
  const bar = process.stderr.isTTY && !verbose ? progressBar(await sizeOf(input)) : null
  const outcome = await countAll(input, {
    workers,
    log: (line) => void (verbose && console.error(`census: ${line}`)),
    progress: (bytes) => bar?.update(bytes),
  }).finally(() => bar?.stop())
  if (outcome.total.taken === 0) throw new Error(`nothing to count: no records in ${input.path}`)
  const report = { ...outcome, input, seconds: (performance.now() - began) / 1000 }
  process.stdout.write(json ? `${JSON.stringify(asObject(report), null, 2)}\n` : asText(report))
}

try {
  await main()
} catch (error) {
  const wrongUsage = error instanceof UsageError
  console.error(`census: ${(error as Error).message}${wrongUsage ? "\nTry 'census --help'." : ''}`)
  process.exitCode = wrongUsage ? 2 : 1
}
