#!/usr/bin/env node
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { channel, type Sender, WormholeError } from 'wormhole-ipc'
import { fork } from 'wormhole-ipc/process'
import type { Answer, Request } from './protocol.js'

const HELP = `Usage: request-reply [options] REQUEST...

Asks a store, which is another process. All requests are made at once; the answers are
printed in the order of the requests. A REQUEST is
  NAME=VALUE          store a value
  NAME                get it; if there is none yet, wait until somebody stores one

  -d, --deadline MS   wait at most so long for each answer (default: 5000)
  -v, --verbose       tell on standard error the store's process id, and which request
                      has been answered, as soon as it is
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

/** One request and its answer, over a channel that is made for it and goes with it. */
async function ask(store: Sender<Request>, request: Request, signal?: AbortSignal): Promise<string> {
  const [reply, replies] = channel<Answer>()
  try {
    await store.sendWithFds(request, [reply], { signal })
    const answer = await replies.recv({ signal })
    if ('ended' in answer) throw new Error('the store ended before there was a value')
    return answer.value
  } finally {
    // The store sees from this that nobody waits for the answer any more.
    replies.close()
    // Moved to the store, unless the deadline came first.
    reply.close()
  }
}

function parse(text: string): Request {
  const [, name, value] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  return name === undefined || value === undefined ? { get: text } : { set: name, value }
}

function explain(error: unknown, deadline: number): string {
  if ((error as Error).name === 'TimeoutError') return `no answer within ${deadline} ms`
  if (error instanceof WormholeError && error.code === 'ERR_WORMHOLE_DISCONNECTED') return 'the store is gone'
  return (error as Error).message
}

const { requests, deadline, verbose, help } = readCommandLine()

async function main(): Promise<void> {
  const [store, served] = channel<Request>()
  const child = fork(new URL('store.js', import.meta.url), { channels: { requests: served } })
  const ended = once(child, 'exit')
  if (verbose) console.error(`request-reply: the store is process ${child.pid}`)
  // The store is up from here on: the deadlines are for its answers alone.
  await ask(store, { set: '', value: '' })

  const answers = await Promise.allSettled(
    requests.map(async (request) => {
      const answer = await ask(store, parse(request), AbortSignal.timeout(deadline))
      if (verbose) console.error(`request-reply: ${request} has been answered`)
      return answer
    })
  )
  // The store's loop ends with this.
  store.close()
  const [code] = await ended
  answers.forEach((answer, index) => {
    const result = answer.status === 'fulfilled' ? answer.value : `(${explain(answer.reason, deadline)})`
    console.log(`${requests[index]}: ${result}`)
  })
  if (code !== 0 || answers.some(({ status }) => status === 'rejected')) process.exitCode = 1
}

if (help) process.stdout.write(HELP)
else await main()
