#!/usr/bin/env node
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import type { WormholeError } from 'wormhole-ipc'
import { type Caller, caller, link } from 'wormhole-ipc/calls'
import { fork } from 'wormhole-ipc/process'
import type { Store } from './store.js'

const HELP = `Usage: request-reply [options] REQUEST...

Asks a store, which is another process. All requests are made at once; the answers are
printed in the order of the requests. A REQUEST is
  NAME=VALUE          store a value
  NAME                get it; if there is none yet, wait until somebody stores one

  -d, --deadline MS   wait at most so long for each answer (default: 5000)
  -v, --verbose       tell on standard error the store's process id, and which request
                      has been answered or has to wait, as soon as it is so
  -h, --help          print this

Exit code: 0 all were answered, 1 some were not, 2 the command line is wrong.
`

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        deadline: { type: 'string', short: 'd', default: '5000' },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const deadline = Number(values.deadline)
    if (!(deadline >= 1)) throw new Error(`--deadline takes a number of milliseconds, not '${values.deadline}'`)
    if (positionals.length === 0 && values.help !== true) throw new Error('nothing to ask')
    return { ...values, deadline, requests: positionals }
  } catch (error) {
    console.error(`request-reply: ${(error as Error).message}\nTry 'request-reply --help'.`)
    process.exit(2)
  }
}

function ask(store: Caller<Store>, request: string): Promise<string> {
  const options = { timeout: deadline, onProgress: (state: unknown) => log(`${request} ${state}`) }
  const [, name, value] = /^([^=]*)=(.*)$/s.exec(request) ?? []
  return name === undefined || value === undefined ? store.get(request, options) : store.set({ name, value }, options)
}

function explain({ code, message, cause }: WormholeError): string {
  if (code === 'ERR_WORMHOLE_TIMEOUT') return `no answer within ${deadline} ms`
  if (code === 'ERR_WORMHOLE_DISCONNECTED') return 'the store is gone'
  // What the store threw is the cause.
  return code === 'ERR_WORMHOLE_CALL_THREW' ? (cause as Error).message : message
}

function log(line: string): void {
  if (verbose) console.error(`request-reply: ${line}`)
}

const { requests, deadline, verbose, help } = readCommandLine()

async function main(): Promise<void> {
  const [ours, theirs] = link()
  const child = fork(new URL('store.js', import.meta.url), { channels: { api: theirs } })
  const ended = once(child, 'exit')
  log(`the store is process ${child.pid}`)
  const store = caller<Store>(ours)
  // The store is up from here on: the deadlines are for its answers alone.
  await store.ready()

  const answers = await Promise.allSettled(
    requests.map(async (request) => {
      const answer = await ask(store, request)
      log(`${request} has been answered`)
      return answer
    })
  )
  // The end of the link: the store's serve() resolves.
  ours.sender.close()
  ours.receiver.close()
  const [code] = await ended
  answers.forEach((answer, index) => {
    const result = answer.status === 'fulfilled' ? answer.value : `(${explain(answer.reason)})`
    console.log(`${requests[index]}: ${result}`)
  })
  if (code !== 0 || answers.some(({ status }) => status === 'rejected')) process.exitCode = 1
}

if (help) process.stdout.write(HELP)
else await main()
