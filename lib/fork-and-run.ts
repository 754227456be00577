import type { ChildProcess } from 'node:child_process'
import { onAbort } from './abort.js'
import { channel } from './channel.js'
import { ChildError } from './child-error.js'
import { argumentError, WormholeError } from './errors.js'
import { MESSAGE_LIMIT } from './framing.js'
import type { End, Ends } from './inheritance.js'
import { spawn } from './launch.js'
import { signalOf } from './options.js'
import { runnerFile } from './package-files.js'
import type { Receiver } from './receiver.js'
import { INPUT, type Order, type Outcome, RESULT } from './run-protocol.js'
import type { Sender } from './sender.js'

const { once } = process.getBuiltinModule('node:events')
const { resolve: resolvePath } = process.getBuiltinModule('node:path')
const { pathToFileURL } = process.getBuiltinModule('node:url')

/**
 * How `forkAndRun` starts its child, and for how long.
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
  /** Ends the child at once (SIGKILL); the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Most milliseconds for the whole run; then the child is ended, and the call rejects with ERR_WORMHOLE_TIMEOUT. */
  timeout?: number | undefined
  /** The child's environment. @default process.env */
  env?: NodeJS.ProcessEnv | undefined
  /** Node's own options for the child, as in `child_process.fork`. @default process.execArgv */
  execArgv?: readonly string[] | undefined
  /** Which export to run. @default 'default' */
  export?: string | undefined
}

/** Characters of the child's standard error that an error carries. */
const STDERR_TAIL = 8192

/** How long a child that has given its result may take to end before it is ended, in milliseconds. */
const EXIT_GRACE_MS = 1000
/** How long after its end what it wrote may still be read: somebody else may hold its standard error open. */
const STDERR_GRACE_MS = 100

/**
 * Runs a module's function in a fresh Node process: the crate's `fork_and_run`. The function gets `input`
 * (through JSON) and the channels; what it returns, or the promise of it, is this call's result (through
 * JSON). The child's standard output and error go to ours. When this settles, the child is gone.
 *
 * @param module a path, relative to the working directory, or a URL
 * @returns rejects with ERR_WORMHOLE_CHILD_THREW, carrying the name, message, stack and cause of what the
 * function threw; with ERR_WORMHOLE_CHILD_EXITED when the child ended without a result; ERR_WORMHOLE_TIMEOUT;
 * ERR_WORMHOLE_UNSERIALIZABLE for the input; ERR_WORMHOLE_SYSTEM when the child could not be started or the input
 * not be sent; or the signal's reason
 *
 * @example
 * // sum.js: export default (numbers) => numbers.reduce((a, b) => a + b, 0)
 * import { forkAndRun } from 'wormhole-ipc/process'
 *
 * const sum = await forkAndRun<number>('./sum.js', [1, 2, 3], { timeout: 5000 })
 */
export async function forkAndRun<R = unknown>(
  module: URL | string,
  input?: unknown,
  options: ForkAndRunOptions = {}
): Promise<R> {
  const signal = signalOf(options, 'forkAndRun')
  signal?.throwIfAborted()
  const { timeout } = options
  if (timeout !== undefined && !(timeout > 0)) throw argumentError('timeout must be a positive number of milliseconds')
  const order: Order = { module: urlOf(module), name: options.export ?? 'default', input }
  const what = `${order.name} of ${order.module}`
  const [orders, ordered] = channel<Order>(ROOMY)
  const ends: End[] = [orders, ordered]
  try {
    const [outcomes, results] = channel(ROOMY)
    ends.push(outcomes, results)
    const sent = orders.send(order)
    const child = start(what, ordered, outcomes, options)
    if (child.pid === undefined) throw failedStart(what, ((await once(child, 'error')) as [NodeJS.ErrnoException])[0])
    const ending: Ending = { timer: undefined, reason: undefined, killed: false }
    const kill = (reason: unknown) => {
      if (!ending.killed) Object.assign(ending, { reason, killed: true })
      child.kill('SIGKILL')
    }
    // The child would wait for ever for an order that was not sent.
    sent.catch((error: unknown) => {
      if (!tellsOfDeath(error)) kill(error)
    })
    const stop = signal === undefined ? undefined : onAbort(signal, () => kill(signal.reason))
    if (timeout !== undefined) ending.timer = setTimeout(() => kill(overdue(what, timeout)), timeout)
    try {
      return (await follow(child, results, what, ending)) as R
    } finally {
      clearTimeout(ending.timer)
      stop?.()
    }
  } finally {
    for (const end of ends) end.close()
  }
}

const ROOMY = { maxMessageBytes: MESSAGE_LIMIT }

function urlOf(module: URL | string): string {
  if (module instanceof URL) return module.href
  return /^(file|data|node):/.test(module) ? module : pathToFileURL(resolvePath(module)).href
}

function start(
  what: string,
  ordered: Receiver<unknown>,
  outcomes: Sender<unknown>,
  options: ForkAndRunOptions
): ChildProcess {
  try {
    return spawn(process.execPath, [...(options.execArgv ?? process.execArgv), runnerFile], {
      stdio: ['ignore', 'inherit', 'pipe'],
      env: options.env ?? process.env,
      channels: { ...options.channels, [INPUT]: ordered, [RESULT]: outcomes },
    })
  } catch (error) {
    // Node throws some of the system's errors, and reports others by an event.
    throw error instanceof WormholeError ? error : failedStart(what, error as NodeJS.ErrnoException)
  }
}

function failedStart(what: string, cause: NodeJS.ErrnoException): WormholeError {
  const { errno, syscall } = cause
  return new WormholeError('ERR_WORMHOLE_SYSTEM', `cannot start a process for ${what}: ${cause.message}`, {
    errno,
    syscall,
    cause,
  })
}

/** Whether a send failed as its receiver is gone: what the child ended with says more. */
function tellsOfDeath(error: unknown): boolean {
  const { code } = error as WormholeError
  return code === 'ERR_WORMHOLE_DISCONNECTED' || code === 'ERR_WORMHOLE_TRUNCATED'
}

function overdue(what: string, timeout: number): WormholeError {
  return new WormholeError('ERR_WORMHOLE_TIMEOUT', `${what} was not done after ${timeout} ms; its process was ended`)
}

interface Ending {
  timer: NodeJS.Timeout | undefined
  reason: unknown
  killed: boolean
}

/** The child's result, once it is gone. */
async function follow(child: ChildProcess, results: Receiver<unknown>, what: string, ending: Ending): Promise<unknown> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    process.stderr.write(text)
    stderr = (stderr + text).slice(-STDERR_TAIL)
  })
  const closed = once(child, 'close')
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const outcome = (await results.recv().catch(() => undefined)) as Outcome | undefined
  if (outcome !== undefined) {
    clearTimeout(ending.timer)
    ending.timer = setTimeout(() => child.kill('SIGKILL'), EXIT_GRACE_MS)
  }
  const [exitCode, signal] = await exited
  const { setTimeout: delay } = process.getBuiltinModule('node:timers/promises')
  await Promise.race([closed, delay(STDERR_GRACE_MS, undefined, { ref: false })])
  child.stderr?.destroy()
  const ended = { stderr, exitCode, signal }
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
    return 'its process was killed by SIGKILL (by somebody, or by the kernel for lack of memory)'
  if (signal !== null) return `its process was killed by ${signal}`
  return `its process exited early, with code ${exitCode}`
}
