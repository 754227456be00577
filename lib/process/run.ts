import type { ChildProcess } from 'node:child_process'
import { channel } from '../channel/channel.js'
import type { End } from '../channel/end.js'
import { type Ends, single } from '../channel/named-ends.js'
import type { Receiver } from '../channel/receiver.js'
import type { Sender } from '../channel/sender.js'
import { onAbort } from '../core/abort.js'
import { ChildError } from '../core/carried-error.js'
import { after, within } from '../core/clock.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { MESSAGE_LIMIT, millisecondsOf, signalOf } from '../core/options.js'
import { runnerFile } from '../core/package-files.js'
import { isLeftOut } from '../wire/json.js'
import { type ChildOutput, type Route, routeOf, STDERR_GRACE_MS, Tail } from './child-output.js'
import { assertRunsFiles, childExecArgv } from './exec-argv.js'
import { moduleUrl } from './module-url.js'
import { assertOther, isRun } from './run-guard.js'
import { INPUT, type Order, type Outcome, RESULT } from './run-protocol.js'
import { failedStart, spawn } from './spawn.js'

const { once } = process.getBuiltinModule('node:events')

/**
 * How `forkAndRun` starts its child, and how long the child may run.
 *
 * @example
 * import { type ForkAndRunOptions, forkAndRun } from 'wormhole-ipc/process'
 *
 * const bounded: ForkAndRunOptions = { timeout: 5000, execArgv: ['--max-old-space-size=256'] }
 * await forkAndRun('./report.js', { year: 2026 }, bounded)
 */
export interface ForkAndRunOptions {
  /** Ends for the function, which gets them as its second argument. They are moved, as by `fork`. */
  channels?: Ends | undefined
  /** Kills the child immediately (SIGKILL); the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Milliseconds that the whole run may take, 0 to Infinity; then the child is killed, and the call rejects with
   * ERR_WORMHOLE_TIMEOUT. @default Infinity
   */
  timeout?: number | undefined
  /** The child's environment. @default process.env */
  env?: NodeJS.ProcessEnv | undefined
  /**
   * Node's own options for the child, as in `child_process.fork`; those that hold a program (`-e`) are left out.
   * @default process.execArgv, without a debugger's
   */
  execArgv?: readonly string[] | undefined
  /** The Node.js to start: needed if this program is a single executable. @default process.execPath */
  execPath?: string | undefined
  /** Where the child's standard output goes. @default 'inherit' */
  stdout?: ChildOutput | undefined
  /**
   * Where its standard error goes. If that is through this process (`'inherit'`, `'pipe'`, a stream without a
   * descriptor), an error carries the last characters as `stderr`. @default 'inherit'
   */
  stderr?: ChildOutput | undefined
  /** Which export to run. @default 'default' */
  export?: string | undefined
}

/** Milliseconds that a child has to exit after its result, before it is killed. */
const EXIT_GRACE_MS = 1000

/**
 * Does what `forkAndRun` says. Few programs call it, so the package loads this late.
 *
 * @param site where `forkAndRun` was called: a line of a stack
 */
export async function run(
  module: URL | string,
  input: unknown,
  options: ForkAndRunOptions,
  site: string
): Promise<unknown> {
  check(options)
  const signal = signalOf(options, 'forkAndRun')
  const timeout = millisecondsOf(options.timeout)
  const order: Order = {
    module: moduleUrl('forkAndRun', module),
    name: options.export ?? 'default',
    input,
    site,
    nested: isRun(),
  }
  if (isLeftOut(input)) {
    throw new WormholeError('ERR_WORMHOLE_UNSERIALIZABLE', `the input is a ${typeof input}, which JSON cannot carry`)
  }
  const routes = { stdout: routeOf('stdout', options.stdout), stderr: routeOf('stderr', options.stderr) }
  assertRunsFiles(options.execPath)
  assertOther(order)
  signal?.throwIfAborted()
  const what = `${order.name} of ${order.module}`
  const [orders, ordered] = channel<Order>(ROOMY)
  const ends: End[] = [orders, ordered]
  try {
    const [outcomes, results] = channel(ROOMY)
    ends.push(outcomes, results)
    const sent = orders.send(order)
    const child = start(what, ordered, outcomes, options, routes)
    // A failure of its pipes or of `kill` must not be an uncaught error.
    child.on('error', () => undefined)
    if (child.pid === undefined)
      throw failedStart(`for ${what}`, ((await once(child, 'error')) as [NodeJS.ErrnoException])[0])
    const ending: Ending = { cancel: () => undefined, reason: undefined, killed: false }
    const kill = (reason: unknown) => {
      if (!ending.killed) Object.assign(ending, { reason, killed: true })
      child.kill('SIGKILL')
    }
    // The child would wait forever for an order that was not sent.
    sent.catch((error: unknown) => {
      if (!tellsOfDeath(error)) kill(error)
    })
    const stop = signal === undefined ? undefined : onAbort(signal, () => kill(signal.reason))
    ending.cancel = after(timeout, () => kill(overdue(what, timeout)))
    try {
      return await follow(child, results, what, ending, routes)
    } finally {
      ending.cancel()
      stop?.()
    }
  } finally {
    for (const end of ends) end.close()
  }
}

const ROOMY = { maxMessageBytes: MESSAGE_LIMIT }

function check(options: ForkAndRunOptions): void {
  if (options === null || typeof options !== 'object') throw argumentError('options must be an object')
  const { channels, env, execArgv, execPath, export: name } = options
  for (const [key, value] of Object.entries({ env, channels })) {
    if (value !== undefined && (value === null || typeof value !== 'object'))
      throw argumentError(`${key} must be an object`)
  }
  for (const [key, value] of Object.entries({ execPath, export: name })) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw argumentError(`${key} must be a string`)
  }
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every((part) => typeof part === 'string'))) {
    throw argumentError('execArgv must be an array of strings')
  }
  for (const reserved of [INPUT, RESULT]) {
    if (channels !== undefined && reserved in channels)
      throw argumentError(`the channel name "${reserved}" is reserved: use another`)
  }
}

interface Routes {
  stdout: Route
  stderr: Route
}

function start(
  what: string,
  ordered: Receiver<unknown>,
  outcomes: Sender<unknown>,
  options: ForkAndRunOptions,
  { stdout, stderr }: Routes
): ChildProcess {
  const channels: Ends = options.channels ?? {}
  try {
    return spawn(options.execPath ?? process.execPath, [...childExecArgv(options.execArgv), runnerFile], {
      // Standard error goes to ours through a pipe, so that errors can carry the end of it.
      stdio: ['ignore', stdout.stdio, stderr.stdio === 'inherit' ? 'pipe' : stderr.stdio],
      env: options.env ?? process.env,
      channels: { ...channels, [INPUT]: ordered, [RESULT]: outcomes },
    })
  } catch (error) {
    if (error instanceof WormholeError) throw error
    const cause = error as NodeJS.ErrnoException
    if (cause.syscall === undefined) throw argumentError(`cannot start a process for ${what}: ${cause.message}`, cause)
    // Node throws some of the system's errors, and reports others by an event: the ends are closed either way.
    for (const [, end] of single(channels)) end.close()
    throw failedStart(`for ${what}`, cause)
  }
}

/** Whether a send failed because its receiver is gone: how the child ended says more. */
function tellsOfDeath(error: unknown): boolean {
  const { code } = error as WormholeError
  return code === 'ERR_WORMHOLE_DISCONNECTED' || code === 'ERR_WORMHOLE_TRUNCATED'
}

function overdue(what: string, timeout: number): WormholeError {
  return new WormholeError('ERR_WORMHOLE_TIMEOUT', `${what} took over ${timeout} ms; its process was killed`)
}

interface Ending {
  /** Cancels the timer that kills the child. */
  cancel(): void
  reason: unknown
  killed: boolean
}

/** Waits until the child has exited; returns its result or throws. */
async function follow(
  child: ChildProcess,
  results: Receiver<unknown>,
  what: string,
  ending: Ending,
  { stdout, stderr }: Routes
): Promise<unknown> {
  new Tail(child.stdout, stdout.target)
  const tail = new Tail(child.stderr, stderr.stdio === 'inherit' ? process.stderr : stderr.target)
  const closed = once(child, 'close')
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const outcome = (await results.recv().catch(() => undefined)) as Outcome | undefined
  if (outcome !== undefined) {
    ending.cancel()
    ending.cancel = after(EXIT_GRACE_MS, () => child.kill('SIGKILL'))
  }
  const [exitCode, signal] = await exited
  await within(STDERR_GRACE_MS, closed)
  for (const pipe of [child.stdout, child.stderr]) pipe?.destroy()
  const ended = { stderr: tail.text, exitCode, signal }
  if (outcome === undefined) {
    if (ending.killed) throw ending.reason
    throw new ChildError('ERR_WORMHOLE_CHILD_EXITED', `${what} gave no result: ${explain(ended)}`, ended)
  }
  if ('thrown' in outcome)
    throw new ChildError('ERR_WORMHOLE_CHILD_THREW', outcome.thrown.message, ended, outcome.thrown)
  return outcome.value
}

function explain({
  stderr,
  exitCode,
  signal,
}: {
  stderr: string
  exitCode: number | null
  signal: string | null
}): string {
  if (/JavaScript heap out of memory/.test(stderr)) return "its process ran out of memory (V8's heap limit)"
  if (signal === 'SIGKILL')
    return 'its process was killed by SIGKILL (by another process, or by the kernel for lack of memory)'
  if (signal !== null) return `its process was killed by ${signal}`
  const said = exitCode === 0 ? null : /^(?:Uncaught )?\w*Error(?: \[\w+\])?: .+$/m.exec(stderr)
  return `its process exited early, with code ${exitCode}${said === null ? '' : ` (${said[0]})`}`
}
