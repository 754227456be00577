#!/usr/bin/env node
import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Presets, SingleBar } from 'cli-progress'
import type { WormholeError } from 'wormhole-ipc'
import { pool } from 'wormhole-ipc/pool'
import { type Batch, batches, findInput } from './records.js'
import { asObject, asText } from './report.js'
import { Tally } from './tally.js'

const HELP = `Usage: census [options] [file or folder]

Counts JSON records in a pool of processes. One that dies is replaced, and what it had
in hand is counted again. Without a file or folder it reads every package.json under
./node_modules; with one, NDJSON: a record a line. Of a folder it reads the *.ndjson
and *.jsonl files.

  -w, --workers N   how many worker processes at most (default: the cores, at least 2)
      --json        print the report as JSON
  -v, --verbose     tell on standard error what happens, and the workers' process ids
  -h, --help        print this

Exit code: 0 all was counted, 1 the run failed, 2 the command line is wrong.
`
const MAX_WORKERS = 256
/** How often a batch is tried again: one that always takes its worker with it must not go on for ever. */
const RETRIES = 2

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        workers: { type: 'string', short: 'w', default: `${Math.max(2, availableParallelism())}` },
        json: { type: 'boolean' },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const workers = Number(values.workers)
    if (!/^\d+$/.test(values.workers) || workers < 1 || workers > MAX_WORKERS) {
      throw new Error(`--workers takes a number from 1 to ${MAX_WORKERS}, not '${values.workers}'`)
    }
    if (positionals.length > 1) throw new Error(`one file or folder at a time, not also '${positionals[1]}'`)
    return { ...values, workers, path: positionals[0] }
  } catch (error) {
    console.error(`census: ${(error as Error).message}\nTry 'census --help'.`)
    process.exit(2)
  }
}

async function census({ path, workers, json, verbose }: ReturnType<typeof readCommandLine>): Promise<string> {
  const began = performance.now()
  const input = await findInput(path)
  // It leaves the terminal's modes alone, so that Ctrl-C needs no clean-up.
  const format = '{bar} {percentage}%  {value} of {total} kB'
  const bar = new SingleBar({ format, clearOnComplete: true, linewrap: true }, Presets.shades_classic)
  if (process.stderr.isTTY && !verbose) {
    const sizes = await Promise.all(input.files.map(async (file) => (await stat(file)).size))
    bar.start(Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1000), 0)
  }

  // Each has two batches, so that the next is there when one is done.
  const options = { size: workers, concurrency: 2, retries: RETRIES }
  const counting = pool<Batch, Tally>(new URL('count.js', import.meta.url), options)
  const tally = new Tally()
  try {
    for await (const part of counting.map(batches(input))) {
      tally.merge(part)
      bar.update(Math.ceil(tally.total('bytes') / 1000))
    }
  } finally {
    bar.stop()
    await counting.close()
  }
  if (verbose) {
    for (const [pid, records] of tally.of('workers'))
      console.error(`census: worker ${pid} has counted ${records} records`)
    console.error(`census: workers that died and were replaced: ${counting.stats().died}`)
  }
  if (tally.total('workers') === 0) throw new Error(`nothing to count: no records in ${input.path}`)
  const seconds = (performance.now() - began) / 1000
  return json ? `${JSON.stringify(asObject(input, tally, seconds), null, 2)}\n` : asText(input, tally, seconds)
}

const options = readCommandLine()
try {
  process.stdout.write(options.help ? HELP : await census(options))
} catch (error) {
  const { message, code } = error as WormholeError
  const died = `; ${RETRIES + 1} died with the same records, so there is no report. Fewer --workers need less memory`
  console.error(`census: ${message}${code === 'ERR_WORMHOLE_CHILD_EXITED' ? died : ''}`)
  process.exitCode = 1
}
