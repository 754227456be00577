#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { channel } from 'wormhole-ipc'

const HELP = `Usage: threads [options] FILE...

Counts words, in two worker threads: one reads the files, the other counts what it gets
over a channel, and sends the result to the main thread over another one.

  -t, --top N  print only the N most frequent words (default: 10)
  -h, --help   print this

Exit code: 0 all was counted, 1 a file could not be read, 2 the command line is wrong.
`

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        top: { type: 'string', short: 't', default: '10' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (!/^\d+$/.test(values.top ?? '')) throw new Error(`--top takes a number, not '${values.top}'`)
    if (positionals.length === 0 && values.help !== true) throw new Error('no file given')
    return { top: Number(values.top), help: values.help, files: positionals }
  } catch (error) {
    console.error(`threads: ${(error as Error).message}\nTry 'threads --help'.`)
    process.exit(2)
  }
}

/** Runs a thread; resolves to its exit code. What it has open is closed with it, so that the others see the end. */
function run(name: string, workerData: unknown): Promise<number> {
  const worker = new Worker(new URL(`${name}.js`, import.meta.url), { workerData })
  worker.on('error', (error) => console.error(`threads: ${error.message}`))
  return new Promise((resolve) => worker.on('exit', resolve))
}

const { top, help, files } = readCommandLine()

async function main(): Promise<void> {
  const [lines, counted] = channel<string>()
  const [counts, results] = channel<[word: string, count: number]>()
  // A thread gets an end as a number, which nobody owns on the way: detach() here, fromFd() there.
  const threads = [
    run('read', { files, lines: lines.detach() }),
    run('count', { lines: counted.detach(), counts: counts.detach() }),
  ]
  const ranking: [word: string, count: number][] = []
  for await (const result of results) ranking.push(result)
  if ((await Promise.all(threads)).some((code) => code !== 0)) {
    process.exitCode = 1
    return
  }
  ranking.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  for (const [word, count] of ranking.slice(0, top)) console.log(`${count} ${word}`)
}

if (help) process.stdout.write(HELP)
else await main()
