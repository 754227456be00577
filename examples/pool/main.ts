#!/usr/bin/env node
import { open } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { pool } from 'wormhole-ipc/pool'

const HELP = `Usage: pool [options] FILE...

Prints the SHA-256 of files. Worker processes compute it: each gets an open descriptor and
no name, so it needs no right to open anything.

  -w, --workers N    how many worker processes (default: the number of processors)
  -t, --timeout MS   how long a file may take (default: as long as it takes)
  -v, --verbose      tell on standard error how far the files are
  -h, --help         print this

SIGINT: gives up what is not finished, and ends.

Exit code: 0 all are printed, 1 some are not, 2 the command line is wrong.
`

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        workers: { type: 'string', short: 'w', default: `${availableParallelism()}` },
        timeout: { type: 'string', short: 't', default: 'Infinity' },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const [workers, timeout] = [Number(values.workers), Number(values.timeout)]
    if (!(/^\d+$/.test(values.workers) && workers >= 1 && workers <= 256)) {
      throw new Error(`--workers takes a number from 1 to 256, not '${values.workers}'`)
    }
    if (!(timeout >= 1)) throw new Error(`--timeout takes a number of milliseconds, not '${values.timeout}'`)
    if (positionals.length === 0 && !values.help) throw new Error('no files')
    return { ...values, workers, timeout, files: positionals }
  } catch (error) {
    console.error(`pool: ${(error as Error).message}\nTry 'pool --help'.`)
    process.exit(2)
  }
}

async function main({ workers, timeout, verbose, files }: ReturnType<typeof readCommandLine>): Promise<void> {
  await using jobs = pool<null, string>(new URL('worker.js', import.meta.url), { size: workers, timeout })
  // The time of a file shall not be that of a process that starts.
  await jobs.ready()
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort(new Error('given up')))

  async function hash(path: string): Promise<string> {
    const onProgress = (bytes: unknown) => void (verbose && console.error(`pool: ${path}: ${bytes} bytes`))
    const file = await open(path)
    try {
      // The worker gets a duplicate: this one stays ours to close.
      return await jobs.run(null, { fds: [file], signal: stop.signal, onProgress })
    } finally {
      await file.close()
    }
  }

  // As many files are open as there are workers: all take the next from the one list.
  const list = files.values()
  async function work(): Promise<void> {
    for (const path of list) {
      try {
        console.log(`${await hash(path)}  ${path}`)
      } catch (error) {
        // What the worker's function threw is the cause.
        const { message } = ((error as Error).cause ?? error) as Error
        console.error(`pool: ${path}: ${message}`)
        process.exitCode = 1
      }
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
}

const options = readCommandLine()
if (options.help) process.stdout.write(HELP)
else {
  await main(options).catch((error: Error) => {
    console.error(`pool: ${error.message}`)
    process.exitCode = 1
  })
}
