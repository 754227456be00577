#!/usr/bin/env node
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Lane, lanes } from './lanes.js'
import { judge } from './ledger.js'
import { progressTo } from './progress.js'
import { leaks, printLedger, printMemory } from './report.js'
import { run } from './run.js'

const HELP = `Usage: soak [options]

Sends messages between processes and threads that are killed, stopped and terminated at
random, and accounts for every one of them. It is over when enough messages were sent or
enough time has passed, whichever is first.

  -m, --messages N   how many sends must have resolved (default: 10000000)
  -s, --seconds S    how long at most (default: 3600)
      --short        the form for CI: --seconds 15
      --lane NAME    one of the lanes only (default: all)
      --seed N       which actors are killed when, and what is sent (default: at random)
      --keep FOLDER  leave the logs there
  -h, --help         print this

Exit code: 0 every promise was kept, 1 one was not, 2 the command line is wrong.
`

const SHORT_SECONDS = 15

function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: {
        messages: { type: 'string', short: 'm', default: '10000000' },
        seconds: { type: 'string', short: 's' },
        short: { type: 'boolean', default: false },
        lane: { type: 'string' },
        seed: { type: 'string', default: `${Math.floor(Math.random() * 2 ** 32)}` },
        keep: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const seconds = values.seconds ?? (values.short ? `${SHORT_SECONDS}` : '3600')
    return {
      help: values.help,
      keep: values.keep,
      lanes: lanesOf(values.lane),
      messages: whole('messages', values.messages),
      seconds: whole('seconds', seconds),
      seed: whole('seed', values.seed),
    }
  } catch (error) {
    console.error(`soak: ${(error as Error).message}\nTry 'soak --help'.`)
    process.exit(2)
  }
}

function lanesOf(name: string | undefined): readonly Lane[] {
  const chosen = name === undefined ? lanes : lanes.filter((lane) => lane.name === name)
  if (chosen.length > 0) return chosen
  throw new Error(`--lane takes one of ${lanes.map((lane) => `'${lane.name}'`).join(', ')}, not '${name}'`)
}

function whole(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a whole number, not '${text}'`)
  return Number(text)
}

async function main(): Promise<void> {
  const { help, keep, lanes, messages, seconds, seed } = readCommandLine()
  if (help) {
    process.stdout.write(HELP)
    return
  }
  console.log(`Seed ${seed}: --seed ${seed} makes the same choices again.`)
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'wormhole-soak-'))
  const progress = progressTo(messages, seconds)
  try {
    const outcome = await run({ folder, lanes, seed, messages, seconds, progress: progress.update }).finally(
      progress.stop
    )
    const { manifest, stops, failures } = outcome
    const lines = judge(folder, manifest)
    printLedger(lines)
    const killed = manifest.incarnations.filter((about) => about.killed).length
    console.log(
      `${manifest.incarnations.length} actors in ${Math.round(outcome.seconds)} s: ${killed} killed or terminated, ${stops} times one stopped and continued.`
    )
    failures.push(...leaks(folder, manifest), ...printMemory(folder, manifest))
    for (const failure of failures) console.log(`FAILED: ${failure}`)
    const sound = failures.length === 0 && [...lines.values()].every(({ breaks }) => breaks.length === 0)
    console.log(sound ? 'Every promise was kept.' : 'Not every promise was kept.')
    process.exitCode = sound ? 0 : 1
  } finally {
    if (keep === undefined) rmSync(folder, { recursive: true })
  }
}

await main()
