import { parseArgs } from 'node:util'

/** The command line of `npx wormhole-ipc doctor`. */
export interface Options {
  help: boolean
  json: boolean
  /** How long the self-test runs; 0 for none. */
  seconds: number
}

const DEFAULT_SECONDS = 5
const MAX_SECONDS = 3600

export const usage = `Usage: wormhole-ipc doctor [options]

Prints what of wormhole-ipc was loaded and whether it works, which kernel limits are low, and how
fast this machine is: messages per second between two processes, compared with process.send.

  --seconds <n>  how long the self-test runs; 0 for none (default ${DEFAULT_SECONDS})
  --json         print one JSON document on standard output
  --help         print this text

Exit code: 0 when it works, 1 when something is broken, 2 when the command line is wrong.
`

/** The error for a command line that cannot be understood. */
export class UsageError extends Error {}

export function parse(args: readonly string[]): Options {
  const { values, positionals } = parsed(args)
  const { help = false, json = false, seconds: text = String(DEFAULT_SECONDS) } = values
  const seconds = text.trim() === '' ? Number.NaN : Number(text)
  if (!(seconds >= 0 && seconds <= MAX_SECONDS)) {
    throw new UsageError(`--seconds must be a number from 0 to ${MAX_SECONDS}, not "${text}"`)
  }
  if (!help && (positionals.length !== 1 || positionals[0] !== 'doctor')) {
    throw new UsageError(positionals.length === 0 ? 'a command is missing' : `no command "${positionals.join(' ')}"`)
  }
  return { help, json, seconds }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { help: { type: 'boolean' }, json: { type: 'boolean' }, seconds: { type: 'string' } },
    })
  } catch (error) {
    throw new UsageError((error as Error).message.replaceAll('\n', ' '))
  }
}
