import type { ChildProcess, ForkOptions, SpawnOptions, StdioOptions } from 'node:child_process'
import type { End } from '../channel/end.js'
import { type Ends, type EndsOf, requireEnds, single } from '../channel/named-ends.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { type Descriptor, kDescriptor, kEndWaits, kMoveEnded } from '../fd/descriptor.js'
import { assertRunsFiles, forFile } from './exec-argv.js'
import { describe, TABLE_VARIABLE } from './inheritance.js'

/** Loaded on first use: a child that only takes its ends starts sooner without it. */
const childProcess = () => process.getBuiltinModule('node:child_process')

/**
 * The option that `fork` and `spawn` have in addition to those of `node:child_process`.
 *
 * @example
 * import type { SpawnOptions } from 'node:child_process'
 * import { type ChannelsOption, spawn } from 'wormhole-ipc/process'
 *
 * const options: SpawnOptions & ChannelsOption = { stdio: 'inherit', channels: { jobs: receiver } }
 * spawn('python3', ['worker.py'], options)
 */
export interface ChannelsOption<T extends EndsOf<T> = Ends> {
  /**
   * Ends for the child, by the names under which its `inherited()` finds them. They are moved: closed here once the
   * child has them, so that its death ends the channel, and if its start fails (the child's `'error'`). Pass
   * `end.clone()` to keep one. The child's ends keep `coalesce` and `maxMessageBytes`, but no `schema`.
   */
  channels?: T | undefined
}

/**
 * Starts a child as `child_process.fork` does, with channels. All its options work; the channels' descriptors follow
 * those of `stdio`. Node's options that hold a program (`-e`) are not passed to the child. If this throws, or the
 * signal is already aborted, the ends stay open and are yours to close, also a `clone()` made for the child. If the
 * child emits `'error'` because it could not be started, they are closed.
 *
 * @throws ERR_WORMHOLE_PENDING, ERR_WORMHOLE_CLOSED (an end cannot be moved), ERR_WORMHOLE_ARGUMENT,
 * ERR_WORMHOLE_UNSUPPORTED (in a single executable, without `execPath`), and what `fork` throws
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 * import { fork } from 'wormhole-ipc/process'
 *
 * const [results, inbox] = channel<{ sum: number }>()
 * const child = fork('./worker.js', ['--quiet'], { channels: { results } })
 * child.on('error', console.error)
 * for await (const { sum } of inbox) console.log(sum) // until the child is gone
 */
export function fork<T extends EndsOf<T> = Ends>(
  modulePath: string | URL,
  args?: readonly string[],
  options?: ForkOptions & ChannelsOption<T>
): ChildProcess
export function fork<T extends EndsOf<T> = Ends>(
  modulePath: string | URL,
  options?: ForkOptions & ChannelsOption<T>
): ChildProcess
export function fork(
  modulePath: string | URL,
  argsOrOptions?: readonly string[] | (ForkOptions & ChannelsOption),
  maybeOptions?: ForkOptions & ChannelsOption
): ChildProcess {
  const [args, options] = sortArguments(argsOrOptions, maybeOptions)
  const { silent } = options
  assertRunsFiles(options.execPath)
  const execArgv = forFile(options.execArgv ?? process.execArgv)
  const stdio = slots(options.stdio ?? (silent === true ? 'pipe' : 'inherit'))
  if (!stdio.includes('ipc')) {
    if (Array.isArray(options.stdio)) throw argumentError("fork: options.stdio must have an 'ipc' slot")
    stdio.push('ipc')
  }
  return launch(stdio, { ...options, execArgv }, (launchOptions) =>
    childProcess().fork(modulePath, args, launchOptions)
  )
}

/**
 * Starts a child as `child_process.spawn` does, with channels; the child need not be Node (`docs/wire.md` says how
 * another language finds them). The ends are treated as by `fork`.
 *
 * @throws ERR_WORMHOLE_PENDING, ERR_WORMHOLE_CLOSED (an end cannot be moved), and what `spawn` throws
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 * import { spawn } from 'wormhole-ipc/process'
 *
 * const [jobs, todo] = channel<{ id: number }>({ coalesce: false })
 * spawn('python3', ['worker.py'], { stdio: 'inherit', channels: { todo } })
 * await jobs.send({ id: 1 })
 */
export function spawn<T extends EndsOf<T> = Ends>(
  command: string,
  args?: readonly string[],
  options?: SpawnOptions & ChannelsOption<T>
): ChildProcess
export function spawn<T extends EndsOf<T> = Ends>(
  command: string,
  options?: SpawnOptions & ChannelsOption<T>
): ChildProcess
export function spawn(
  command: string,
  argsOrOptions?: readonly string[] | (SpawnOptions & ChannelsOption),
  maybeOptions?: SpawnOptions & ChannelsOption
): ChildProcess {
  const [args, options] = sortArguments(argsOrOptions, maybeOptions)
  return launch(slots(options.stdio ?? 'pipe'), options, (launchOptions) =>
    childProcess().spawn(command, args, launchOptions)
  )
}

function sortArguments<Options extends object>(
  argsOrOptions: readonly string[] | Options | undefined,
  options: Options | undefined
): [readonly string[], Options] {
  const [args, given] = Array.isArray(argsOrOptions) ? [argsOrOptions, options] : [[], argsOrOptions ?? options]
  if (given !== undefined && given !== null && typeof given !== 'object')
    throw argumentError('options must be an object')
  return [args, (given ?? {}) as Options]
}

type Slots = Exclude<StdioOptions, string>

function slots(stdio: StdioOptions): Slots {
  if (typeof stdio === 'string') return [stdio, stdio, stdio]
  if (!Array.isArray(stdio)) throw argumentError("stdio must be 'inherit', 'ignore', 'pipe' or an array")
  const all: Slots = [...stdio]
  while (all.length < 3) all.push('pipe')
  return all
}

interface LaunchOptions {
  env?: NodeJS.ProcessEnv | undefined
  signal?: AbortSignal | undefined
  channels?: Ends | undefined
}

function launch<Options extends LaunchOptions>(
  stdio: Slots,
  options: Options,
  start: (options: Omit<Options, 'channels'> & { stdio: Slots; env: NodeJS.ProcessEnv }) => ChildProcess
): ChildProcess {
  const { channels = {}, ...rest } = options
  if (channels === null || typeof channels !== 'object') throw argumentError('channels must be an object: ends by name')
  const env = { ...(rest.env ?? process.env) }
  delete env[TABLE_VARIABLE]
  // Node starts a child for an aborted signal too, and kills it immediately: it must not take the ends with it.
  const ends = rest.signal?.aborted === true ? [] : single(channels)
  const moving = prepare(ends)
  if (ends.length > 0) env[TABLE_VARIABLE] = describe(channels, stdio.length)
  let child: ChildProcess | undefined
  try {
    child = start({ ...rest, stdio: [...stdio, ...moving.map(({ fd }) => fd)], env })
    return child
  } finally {
    // No pid: the start has failed and an 'error' event follows. The ends close, as if the child had died immediately.
    const moved = child !== undefined
    if (moved) for (const [, end] of ends) end[kEndWaits]()
    const numbers = moving.map(({ fd }) => fd)
    for (const descriptor of moving) descriptor.endMove(moved)
    const to = child?.pid === undefined ? null : 'child'
    for (const [index, [, end]] of ends.entries()) end[kMoveEnded](numbers[index] as number, to)
  }
}

/** Marks the ends' descriptors as moving and returns them; throws, with nothing changed, if one cannot be moved. */
function prepare(ends: [string, End][]): Descriptor[] {
  const moving: Descriptor[] = []
  requireEnds(ends)
  try {
    for (const [name, end] of ends) {
      const descriptor = end[kDescriptor](`move to the child "${name}" of`)
      descriptor.moving = true
      moving.push(descriptor)
    }
    return moving
  } catch (error) {
    for (const descriptor of moving) descriptor.endMove(false)
    throw error
  }
}

/** Makes the error for a process that the system could not start. `of` says whose it is or what it is for. */
export function failedStart(of: string, cause: NodeJS.ErrnoException): WormholeError {
  const { errno, syscall, message } = cause
  return new WormholeError('ERR_WORMHOLE_SYSTEM', `cannot start a process ${of}: ${message}`, { errno, syscall, cause })
}
