#!/usr/bin/env node
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { channel } from 'wormhole-ipc'
import { type ChannelsOption, fork } from 'wormhole-ipc/process'
import { type Fields, type Line, reportPeak, untilNobodyTakes } from './records.js'

const HELP = `Usage: pipeline [options] < records.ndjson

Masks fields of NDJSON records, in three processes: this one reads standard input, a
second parses and masks, a third writes standard output. Each waits for the next one,
so that memory stays flat however long the input and however slow the reader.

  -m, --mask FIELD  replace this field's value by a digest of it; may be repeated
  -v, --verbose     tell on standard error the stages' process ids and memory
  -h, --help        print this

Exit code: 0 all records were written, 1 some were not, 2 the command line is wrong.
`

function readCommandLine() {
  try {
    return parseArgs({
      options: {
        mask: { type: 'string', short: 'm', multiple: true, default: [] },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    console.error(`pipeline: ${(error as Error).message}\nTry 'pipeline --help'.`)
    process.exit(2)
  }
}

const { mask = [], verbose = false, help } = readCommandLine()

async function* readLines(): AsyncGenerator<Line> {
  const input = createInterface({ input: process.stdin })
  let number = 0
  try {
    for await (const text of input) {
      number++
      if (text.trim() !== '') yield { number, text }
    }
  } finally {
    // Leaving the loop early does not stop the reading.
    input.close()
  }
}

/** Starts a stage, which gets the ends: they are closed here. Resolves to whether it did all it should. */
async function start(stage: string, output: 'inherit' | 'ignore', channels: ChannelsOption['channels'], fields = mask) {
  const child = fork(new URL(`${stage}.js`, import.meta.url), [String(verbose), ...fields], {
    channels,
    stdio: ['ignore', output, 'inherit', 'ipc'],
  })
  if (verbose) console.error(`pipeline: ${stage} is process ${child.pid}`)
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  if (signal !== null) console.error(`pipeline: ${stage} was killed by ${signal}`)
  return code === 0
}

async function main(): Promise<void> {
  const [sendLines, lines] = channel<Line>()
  const [sendRecords, records] = channel<Fields>()
  const stages = [
    start('transform', 'ignore', { lines, records: sendRecords }),
    start('write', 'inherit', { records }, []),
  ]
  // Asks for the next line only when the channel takes it.
  await untilNobodyTakes(sendLines.sendAll(readLines()))
  // The end travels on from stage to stage.
  sendLines.close()
  const done = await Promise.all(stages)
  reportPeak('read', verbose)
  if (done.includes(false)) process.exitCode = 1
}

if (help) process.stdout.write(HELP)
else await main()
