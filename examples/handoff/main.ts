#!/usr/bin/env node
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { channel } from 'wormhole-ipc'
import { fork, forkAndRun } from 'wormhole-ipc/process'
import { createAcceptor } from './acceptor.js'
import type { Account, Order, Outcome, Visit } from './protocol.js'

const HELP = `Usage: handoff [options]

Accepts connections and hands them to worker processes, in turn, which echo what they
read. Clients in a process of their own check that every byte comes back.

  --workers N   how many worker processes (default 3)
  --clients N   how many connections, all at once (default 60)
  --bytes N     how many bytes the longest sends; the others less (default 200000)
  --unix PATH   accept on a new Unix socket of this name instead of a TCP port
  --help        print this

Exit code: 0 every client got its echo, 1 one did not or the run failed, 2 the command
line is wrong.
`

function readCommandLine() {
  const { values } = parseArgs({
    options: {
      workers: { type: 'string', default: '3' },
      clients: { type: 'string', default: '60' },
      bytes: { type: 'string', default: '200000' },
      unix: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const number = (name: 'workers' | 'clients' | 'bytes', least: number, most: number): number => {
    const value = Number(values[name])
    if (/^\d+$/.test(values[name]) && value >= least && value <= most) return value
    throw new Error(`--${name} takes a number from ${least} to ${most}, not '${values[name]}'`)
  }
  const numbers = {
    workers: number('workers', 1, 64),
    clients: number('clients', 1, 1000),
    bytes: number('bytes', 0, 1e7),
  }
  return { ...numbers, unix: values.unix, help: values.help }
}

async function main({ workers: count, clients, bytes, unix }: ReturnType<typeof readCommandLine>): Promise<void> {
  const [sendAccounts, accounts] = channel<Account>()
  const workers = Array.from({ length: count }, () => {
    const [sender, visits] = channel<Visit>()
    fork(new URL('worker.js', import.meta.url), { channels: { visits, accounts: sendAccounts.clone() } })
    return sender
  })
  // Only the workers have one now: the accounts end when they do.
  sendAccounts.close()

  const acceptor = createAcceptor(workers)
  const host = '127.0.0.1'
  await once(acceptor.listen(unix === undefined ? { port: 0, host } : { path: unix }), 'listening')
  const server = unix === undefined ? { port: (acceptor.address() as AddressInfo).port, host } : { path: unix }
  const order: Order = { server, clients, bytes }
  // In a process of their own: what they see is what anybody would.
  const { right, wrong } = await forkAndRun<Outcome>(new URL('clients.js', import.meta.url), order)

  acceptor.close()
  for (const worker of workers) worker.close()
  for await (const { pid, connections, bytes } of accounts) {
    console.log(`worker ${pid}: ${connections} connections, ${bytes} bytes, ${right[pid] ?? 0} right echoes`)
  }
  const sum = Object.values(right).reduce((sum, count) => sum + count, 0)
  console.log(`${clients} clients: ${sum} right echoes, ${wrong.length} wrong`)
  for (const what of wrong) console.log(what)
  if (wrong.length > 0) process.exitCode = 1
}

function fail(error: unknown, exitCode: number): void {
  console.error(`handoff: ${(error as Error).message}${exitCode === 2 ? "\nTry 'handoff --help'." : ''}`)
  // Whatever still runs here ends, and with its ends of the channels the workers do.
  process.exit(exitCode)
}

let options: ReturnType<typeof readCommandLine> | undefined
try {
  options = readCommandLine()
} catch (error) {
  fail(error, 2)
}
if (options?.help) process.stdout.write(HELP)
else if (options !== undefined) await main(options).catch((error: unknown) => fail(error, 1))
