#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { caller } from 'wormhole-ipc/calls'
import { connect } from 'wormhole-ipc/listen'
import { runDaemon } from './daemon.js'
import type { Api, Given, Job } from './protocol.js'

const HELP = `Usage: jobs [options] COMMAND

A daemon that keeps a list of jobs, and its command line.

  daemon             keep the list, until SIGINT or SIGTERM
  add TEXT...        add a job for each TEXT
  list               print the jobs
  watch              print each job that is added from now on, until the daemon ends

  -s, --socket PATH  where the daemon listens; '@NAME' is an abstract name (default: @jobs)
  -a, --allow UID    a user who may use the daemon, beside its own; may be repeated
  -w, --wait MS      how long to wait for the daemon (default: 5000)
  -v, --verbose      tell on standard error who comes and goes
  -h, --help         print this

Exit code: 0 done, 1 the daemon cannot be reached or refused, 2 the command line is wrong.
`

const COMMANDS = ['daemon', 'add', 'list', 'watch']

function readCommandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        socket: { type: 'string', short: 's', default: '@jobs' },
        allow: { type: 'string', short: 'a', multiple: true, default: [] },
        wait: { type: 'string', short: 'w', default: '5000' },
        verbose: { type: 'boolean', short: 'v', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const [command = '', ...texts] = positionals
    if (values.help) return { ...values, command, texts, wait: 0, users: [] }
    if (!COMMANDS.includes(command)) throw new Error(`a command is one of ${COMMANDS.join(', ')}, not '${command}'`)
    if (command !== 'add' && texts.length > 0) throw new Error(`${command} takes no '${texts[0]}'`)
    if (!(Number(values.wait) >= 0)) throw new Error(`--wait takes a number of milliseconds, not '${values.wait}'`)
    const wrong = values.allow.find((uid) => !/^\d+$/.test(uid))
    if (wrong !== undefined) throw new Error(`--allow takes a user's number, not '${wrong}'`)
    const users = [process.getuid?.() ?? 0, ...values.allow.map(Number)]
    return { ...values, command, texts, wait: Number(values.wait), users }
  } catch (error) {
    console.error(`jobs: ${(error as Error).message}\nTry 'jobs --help'.`)
    process.exit(2)
  }
}

const print = ({ id, text, uid }: Job) => console.log(`${id} ${text} (user ${uid})`)

async function main({ command, socket, texts, wait, users, verbose }: ReturnType<typeof readCommandLine>) {
  const log = (line: string) => void (verbose && console.error(`jobs: ${line}`))
  if (command === 'daemon') return await runDaemon(socket, users, log)
  const { api, added } = await connect<Given>(socket, { timeout: wait })
  if (command === 'watch') {
    log('watches')
    for await (const job of added) print(job)
  } else {
    const jobs = caller<Api>(api)
    if (command === 'list') for (const job of await jobs.list()) print(job)
    for (const text of texts) print(await jobs.add(text))
  }
  for (const end of [api.sender, api.receiver, added]) end.close()
}

const options = readCommandLine()
if (options.help) process.stdout.write(HELP)
else {
  await main(options).catch((error: Error) => {
    console.error(`jobs: ${error.message}`)
    process.exitCode = 1
  })
}
