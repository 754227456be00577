import { argumentError } from '../core/errors.js'
import { millisecondsOf } from '../core/options.js'
import { assertRunsFiles, childExecArgv } from '../process/exec-argv.js'

const { availableParallelism } = process.getBuiltinModule('node:os')

/**
 * How a pool works.
 *
 * @example
 * import { type PoolOptions, pool } from 'wormhole-ipc/pool'
 *
 * const options: PoolOptions = { size: 4, retries: 1, timeout: 10_000 }
 * const jobs = pool('./job.js', options)
 */
export interface PoolOptions {
  /** The maximum number of processes; they start as jobs are submitted. @default availableParallelism() */
  size?: number | undefined
  /** Jobs that one process runs at the same time. @default 1 */
  concurrency?: number | undefined
  /** Jobs that may wait for a process; one more rejects with ERR_WORMHOLE_BUSY. @default 1000 */
  queue?: number | undefined
  /** How often a job whose process died is tried again. @default 0 */
  retries?: number | undefined
  /** Milliseconds for a job once a process has room; then it rejects with ERR_WORMHOLE_TIMEOUT. @default Infinity */
  timeout?: number | undefined
  /** Milliseconds from an abort, a timeout or a close until the process is killed. @default 1000 */
  grace?: number | undefined
  /** Jobs after which a process is replaced. @default Infinity */
  recycle?: number | undefined
  /** Milliseconds after which a process without jobs ends. @default Infinity */
  idle?: number | undefined
  /** Arguments for the processes: their `process.argv` from its fourth place on. */
  args?: readonly string[] | undefined
  /** Their environment. @default process.env */
  env?: NodeJS.ProcessEnv | undefined
  /** Their working directory. @default ours */
  cwd?: string | undefined
  /** Node's own options for them, as in `child_process.fork`. @default process.execArgv */
  execArgv?: readonly string[] | undefined
}

/** The checked options, with defaults. */
export interface Settings {
  module: string
  size: number
  concurrency: number
  queue: number
  retries: number
  timeout: number
  grace: number
  recycle: number
  idle: number
  args: readonly string[]
  env: NodeJS.ProcessEnv
  cwd: string | undefined
  execArgv: readonly string[]
}

const DEFAULT_QUEUE = 1000
const DEFAULT_GRACE_MS = 1000

export function settingsOf(module: string, options: PoolOptions): Settings {
  assertRunsFiles(undefined, 'a pool needs a program that Node.js runs from its file')
  return {
    module,
    size: count('size', options.size, availableParallelism(), 1),
    concurrency: count('concurrency', options.concurrency, 1, 1),
    queue: count('queue', options.queue, DEFAULT_QUEUE, 0),
    retries: count('retries', options.retries, 0, 0),
    timeout: millisecondsOf(options.timeout),
    grace: millisecondsOf(options.grace ?? DEFAULT_GRACE_MS, 'grace'),
    recycle: count('recycle', options.recycle, Number.POSITIVE_INFINITY, 1),
    idle: millisecondsOf(options.idle, 'idle'),
    args: options.args ?? [],
    env: options.env ?? process.env,
    cwd: options.cwd,
    execArgv: childExecArgv(options.execArgv),
  }
}

function count(name: string, value: unknown, standard: number, min: number): number {
  if (value === undefined) return standard
  if (value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && (value as number) >= min)) {
    return value as number
  }
  throw argumentError(`${name} must be a whole number from ${min}, or Infinity`)
}
