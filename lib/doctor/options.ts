import { parseArgs } from 'node:util'
import type { TopOptions } from './top.js'

/** The command line of `npx wormhole-ipc`. */
export type Options =
  | { command: 'help' }
  | ({ command: 'top' } & TopOptions)
  /** `seconds`: how long the self-test runs; 0 for none. */
  | { command: 'doctor'; json: boolean; seconds: number }

const DEFAULT_SECONDS = 5
const MAX_SECONDS = 3600
const DEFAULT_INTERVAL = 1
const MIN_INTERVAL = 0.1

export const usage = `Usage: wormhole-ipc doctor [options]
       wormhole-ipc doctor <pid>
       wormhole-ipc top <pid> [options]

doctor prints what of wormhole-ipc was loaded and whether it works, which kernel limits are low, and
how fast this machine is: messages per second between two processes, compared with process.send.
With a process's id, it prints that program's open ends, and where each was made.

  --seconds <n>  how long the self-test runs; 0 for none (default ${DEFAULT_SECONDS})
  --json         print one JSON document on standard output

top shows the channels of a running program: messages per second, queues, waits, who waits for whom,
and deadlocks. The program must have loaded wormhole-ipc/top: node --import wormhole-ipc/top ...

  --interval <n> seconds between two looks (default ${DEFAULT_INTERVAL})
  --once         look once, and end
  --stacks       show where each end was made
  --json         print a JSON document for each look

  --help         print this text

Exit code: 0 when it works, 1 when something is broken or the process does not answer, 2 when the
command line is wrong.
`

/** The error for a command line that cannot be understood. */
export class UsageError extends Error {}

export function parse(args: readonly string[]): Options {
  const { values, positionals } = parsed(args)
  if (values.help === true) return { command: 'help' }
  const [command, id, ...more] = positionals
  if (command === undefined) throw new UsageError('a command is missing')
  if ((command !== 'doctor' && command !== 'top') || more.length > 0) {
    throw new UsageError(`no command "${positionals.join(' ')}"`)
  }
  const { json = false, once = false, stacks = false } = values
  if (id !== undefined || command === 'top') {
    const one = command === 'doctor'
    const interval = number(
      values.interval ?? String(one ? MIN_INTERVAL : DEFAULT_INTERVAL),
      '--interval',
      MIN_INTERVAL
    )
    return { command: 'top', pid: pidOf(id), interval, json, once: one || once, stacks: one || stacks }
  }
  return { command, json, seconds: number(values.seconds ?? String(DEFAULT_SECONDS), '--seconds', 0) }
}

function pidOf(text: string | undefined): number {
  if (text === undefined) throw new UsageError("top needs a process's id")
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new UsageError(`a process's id is a whole number, not "${text}"`)
  return Number(text)
}

function number(text: string, name: string, min: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= min && value <= MAX_SECONDS) return value
  throw new UsageError(`${name} must be a number from ${min} to ${MAX_SECONDS}, not "${text}"`)
}

function parsed(args: readonly string[]) {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: flag, json: flag, once: flag, stacks: flag, seconds: text, interval: text },
    })
  } catch (error) {
    throw new UsageError((error as Error).message.replaceAll('\n', ' '))
  }
}
