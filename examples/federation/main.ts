#!/usr/bin/env node
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import count from '../census/count.js'
import { batches, findInput } from '../census/records.js'
import { Tally } from '../census/tally.js'

const HELP = `Usage: federation [options]

Counts JSON records with workers on another "host": the source and the workers have
nothing in common but a NATS server. While they work, workers and the server are killed
at random, and started again. The end is a ledger, and whether the counts are those of
one process that counted alone.

      --input PATH      a file of NDJSON, or a folder of such (needed)
      --workers N       worker processes (default: 2)
      --kills N         how often something is killed (default: 6)
      --nats-server P   the server's program (default: nats-server)
  -h, --help            print this

Exit code: 0 all was counted, 1 something is missing, 2 the command line is wrong.
`

/** Short, so that a demonstration does not wait long for a job whose worker died. */
const LEASE_MS = 2000

function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: {
        input: { type: 'string', default: '' },
        workers: { type: 'string', default: '2' },
        kills: { type: 'string', default: '6' },
        'nats-server': { type: 'string', default: 'nats-server' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const [workers, kills] = [Number(values.workers), Number(values.kills)]
    if (!(Number.isInteger(workers) && workers > 0))
      throw new Error(`--workers takes a number, not '${values.workers}'`)
    if (!(Number.isInteger(kills) && kills >= 0)) throw new Error(`--kills takes a number, not '${values.kills}'`)
    if (!values.help && values.input === '') throw new Error(`--input takes a file or folder, not '${values.input}'`)
    return { help: values.help, server: values['nats-server'], workers, kills, path: values.input }
  } catch (error) {
    console.error(`federation: ${(error as Error).message}\nTry 'federation --help'.`)
    process.exit(2)
  }
}

function program(name: string): string {
  return fileURLToPath(new URL(`${name}.js`, import.meta.url))
}

/** The server that both hosts know, with what it keeps in a folder of its own. */
class Server {
  #process: ChildProcess | undefined
  #port = -1

  constructor(
    readonly program: string,
    readonly folder: string
  ) {}

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`
  }

  async start(): Promise<void> {
    const child = spawn(this.program, ['-a', '127.0.0.1', '-p', `${this.#port}`, '-js', '-sd', this.folder], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    const failed = once(child, 'exit').then(() => Promise.reject(new Error(`${this.program} ended`)))
    failed.catch(() => undefined)
    const started = new Promise<void>((resolve) => {
      let log = ''
      child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
        log += chunk
        const [, port] = /connections on 127\.0\.0\.1:(\d+)[\s\S]*Server is ready/.exec(log) ?? []
        if (port === undefined) return
        this.#port = Number(port)
        resolve()
      })
    })
    await Promise.race([started, failed])
  }

  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

/** What one process counts alone, for comparison. */
async function countAlone(path: string): Promise<Tally> {
  const total = new Tally()
  for await (const batch of batches(await findInput(path))) total.merge(count(batch).toJSON())
  return total
}

/** The counts in an order that does not depend on who was quicker, without who they were. */
function comparable(counts: ReturnType<Tally['toJSON']>): string {
  return JSON.stringify(counts.filter(([table]) => table !== 'workers').sort())
}

async function federation({ path, workers: size, kills, server: serverProgram }: ReturnType<typeof readCommandLine>) {
  const folder = await mkdtemp(join(tmpdir(), 'federation-'))
  const server = new Server(serverProgram, folder)
  const workers: ChildProcess[] = []
  const killed = { workers: 0, server: 0 }
  const startWorker = () =>
    spawn(process.execPath, [program('worker'), server.url, `${LEASE_MS}`], { stdio: 'inherit' })
  try {
    await server.start()
    for (let place = 0; place < size; place++) workers.push(startWorker())
    const source = spawn(process.execPath, [program('source'), server.url, path], { stdio: ['ignore', 'pipe', 'pipe'] })
    const output = text(source.stdout)
    const ended = once(source, 'exit')
    // Each dot that the source prints is a job that the stream has: something is killed at every so many.
    for await (const chunk of source.stderr.setEncoding('utf8')) {
      if (!/^\.+$/.test(`${chunk}`)) process.stderr.write(chunk)
      if (killed.workers + killed.server >= kills) continue
      if (killed.workers > 2 * killed.server) {
        await server.kill()
        await server.start()
        killed.server++
      } else {
        const place = Math.floor(Math.random() * size)
        workers[place]?.kill('SIGKILL')
        workers[place] = startWorker()
        killed.workers++
      }
    }
    await ended
    const { jobs, done, twice, counts } = JSON.parse(await output)
    const alone = comparable((await countAlone(path)).toJSON())
    const equal = comparable(counts) === alone
    console.log(`killed       ${killed.workers} workers, the server ${killed.server} times`)
    console.log(`jobs         ${jobs}`)
    console.log(`lost         ${jobs - done}`)
    console.log(`done twice   ${twice}`)
    console.log(`the counts   ${equal ? 'are those of one process alone' : 'differ from those of one process alone'}`)
    if (!equal || jobs !== done) process.exitCode = 1
  } finally {
    for (const worker of workers) worker.kill('SIGKILL')
    await server.kill()
    await rm(folder, { recursive: true, force: true })
  }
}

const options = readCommandLine()
if (options.help) process.stdout.write(HELP)
else {
  try {
    await federation(options)
  } catch (error) {
    console.error(`federation: ${(error as Error).message}`)
    process.exitCode = 1
  }
}
