#!/usr/bin/env node
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { channel, type OwnedFd } from 'wormhole-ipc'
import { type Caller, caller, type Link, link } from 'wormhole-ipc/calls'
import { fork } from 'wormhole-ipc/process'
import type { Channels } from './build.js'
import type { Handlers } from './lookup.js'
import { memoryOf, totalOf } from './memory.js'
import { keyAt, valueFor } from './records.js'

const HELP = `Usage: table [options]

Builds a table in one process, and has others map it, which read all of it and find
keys in it. Prints what that takes in memory: the table once, not once a process.

  -m, --mib N          the table's size in MiB (default: 64)
  -p, --processes N    how many processes map it (default: 8)
  -h, --help           print this

Exit code: 0 all found what they should, 1 one did not, 2 the command line is wrong.
`

const MIB = 1024 * 1024
const MAX_MIB = 3 * 1024
const MAX_PROCESSES = 100

function readCommandLine() {
  try {
    const { values } = parseArgs({
      options: {
        mib: { type: 'string', short: 'm', default: '64' },
        processes: { type: 'string', short: 'p', default: '8' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const count = (name: 'mib' | 'processes', max: number) => {
      const number = Number(values[name])
      if (Number.isInteger(number) && number >= 1 && number <= max) return number
      throw new Error(`--${name} takes a number from 1 to ${max}, not '${values[name]}'`)
    }
    return { mib: count('mib', MAX_MIB), processes: count('processes', MAX_PROCESSES), help: values.help }
  } catch (error) {
    console.error(`table: ${(error as Error).message}\nTry 'table --help'.`)
    process.exit(2)
  }
}

const { mib, processes, help } = readCommandLine()

const program = (name: string) => new URL(`${name}.js`, import.meta.url)
const inMib = (bytes: number) => (bytes / MIB).toFixed(1).padStart(8)

/** Has the table built by a process that ends afterwards. */
async function buildTable(): Promise<[pairs: number, table: OwnedFd]> {
  const [sender, tables] = channel<{ pairs: number }>()
  const builder = fork<Channels>(program('build'), [String(mib * MIB)], { channels: { tables: sender } })
  const exited = once(builder, 'exit')
  const [{ pairs }, [table]] = await tables.recvWithFds()
  tables.close()
  await exited
  return [pairs, table!]
}

interface Reader {
  pid: number
  ours: Link
  api: Caller<Handlers>
}

function startReader(): Reader {
  const [ours, theirs] = link()
  const { pid } = fork<{ api: Link }>(program('lookup'), { channels: { api: theirs } })
  return { pid: pid!, ours, api: caller<Handlers>(ours) }
}

/** Maps, reads and searches the table in one process; resolves to whether all that it found was right. */
async function read({ api, pid }: Reader, table: OwnedFd, pairs: number): Promise<boolean> {
  const { milliseconds } = await api.open(null, { fds: [{ fd: table.fd }] })
  const sum = await api.sum()
  const key = keyAt(Math.floor(Math.random() * pairs))
  const found = (await api.find(key)) === valueFor(key) && (await api.find(key + 1)) === null
  console.log(
    `process ${pid}: mapped in ${milliseconds.toFixed(2)} ms, sum ${sum}, key ${key} ${found ? 'found' : 'WRONG'}`
  )
  return found
}

async function main(): Promise<void> {
  const [pairs, table] = await buildTable()
  const readers = Array.from({ length: processes }, startReader)
  const outcomes = await Promise.all(readers.map((reader) => read(reader, table, pairs)))
  const all = [process.pid, ...readers.map(({ pid }) => pid)].map(memoryOf)
  const total = totalOf(all)
  console.log(`\nMiB in memory     table   all    (the share of each: a page that N have counts 1/N)`)
  all.forEach((memory, index) => {
    console.log(`${index === 0 ? 'this process' : `process ${index}   `} ${inMib(memory.table)} ${inMib(memory.share)}`)
  })
  console.log(`together     ${inMib(total.table)} ${inMib(total.share)}`)
  console.log(
    `The table has ${mib} MiB; a copy in each of ${processes + 1} processes would take ${mib * (processes + 1)}.`
  )
  for (const { ours } of readers) {
    ours.sender.close()
    ours.receiver.close()
  }
  table.close()
  if (outcomes.includes(false)) process.exitCode = 1
}

if (help) process.stdout.write(HELP)
else await main()
