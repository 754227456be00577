#!/usr/bin/env node
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { channel } from 'wormhole-ipc'
import { spawn } from 'wormhole-ipc/process'

const HELP = `Usage: polyglot [options] python|rust [NUMBER...]

Factorises numbers in a child process that is written in another language, and knows
nothing of this library: it speaks the wire of docs/wire.md. Without numbers it takes
them from standard input. The program in Rust is compiled at its first use.

  -o, --one-per-packet  one message a packet, both ways (coalesce: false)
  -t, --together        all the numbers in one message, answered by one (python only)
  -v, --verbose         tell on standard error how many packets it took
  -h, --help            print this

Exit code: 0 all were factorised, 1 some were not, 2 the command line is wrong.
`

type Job = { n: number } | { numbers: number[] }
type Factors = { n: number; factors: number[] }
type Result = Factors | { results: Factors[] }

const fail = (code: number, message: string): never => {
  console.error(`polyglot: ${message}`)
  process.exit(code)
}

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        'one-per-packet': { type: 'boolean', short: 'o', default: false },
        together: { type: 'boolean', short: 't', default: false },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const [language, ...numbers] = positionals
    if (language !== 'python' && language !== 'rust' && !values.help) throw new Error("say 'python' or 'rust'")
    return { ...values, language, numbers }
  } catch (error) {
    return fail(2, `${(error as Error).message}\nTry 'polyglot --help'.`)
  }
}

/** The children's sources stay in the folder of this file's own source. */
const source = (name: string) => fileURLToPath(new URL(`../../../examples/polyglot/${name}`, import.meta.url))

function compile(): string {
  const program = fileURLToPath(new URL('child-rust', import.meta.url))
  const age = (file: string) => Date.now() - statSync(file).mtimeMs
  const fresh = existsSync(program) && ['child.rs', 'channel.rs'].every((name) => age(source(name)) > age(program))
  if (!fresh) execFileSync('rustc', ['-O', '--edition', '2021', '-o', program, source('child.rs')])
  return program
}

const { language, numbers, help, together, verbose, ...options } = readCommandLine()

async function main(): Promise<void> {
  const all = (numbers.length > 0 ? numbers : (await text(process.stdin)).split(/\s+/).filter(Boolean)).map(Number)
  const wrong = all.find((n) => !Number.isSafeInteger(n) || n < 1)
  if (wrong !== undefined) fail(2, `${wrong} is not a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`)

  const coalesce = !options['one-per-packet']
  const [jobs, childJobs] = channel<Job>({ coalesce })
  const [childResults, results] = channel<Result>({ coalesce })
  const [command, ...args] = language === 'rust' ? [compile()] : ['python3', source('child.py')]
  const child = spawn(command as string, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    channels: { jobs: childJobs, results: childResults },
  })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>

  const send = async () => {
    // Should the child end early, its exit code tells more.
    await jobs.sendAll(together ? [{ numbers: all }] : all.map((n) => ({ n }))).catch(() => undefined)
    jobs.close()
  }
  let done = 0
  const print = async () => {
    for await (const result of results) {
      for (const { n, factors } of 'results' in result ? result.results : [result]) {
        console.log(`${n} = ${factors.join(' * ') || '1'}`)
        done++
      }
    }
  }
  const [[code, signal]] = await Promise.all([ended, send(), print()])
  if (verbose) {
    const [sent, got] = [jobs.stats(), results.stats()]
    console.error(`jobs: ${sent.messages} in ${sent.packets} packets`)
    console.error(`results: ${got.messages} in ${got.packets} packets`)
  }
  if (code !== 0) fail(1, `the child ended with ${signal ?? `exit code ${code}`}`)
  if (done < all.length) fail(1, `${all.length - done} numbers were left out`)
}

if (help) process.stdout.write(HELP)
else await main().catch((error: Error) => fail(1, error.message))
