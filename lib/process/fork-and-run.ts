import { type ForkAndRunOptions, run } from './run.js'

/**
 * Runs a module's function in a fresh Node process: the crate's `fork_and_run`. The function gets `input`
 * (through JSON) and the channels; the call resolves to what it returns or promises (through JSON). The child's
 * standard output and error go to this process's, unless the options say otherwise; it has no standard input. When
 * the call settles, the child has exited.
 *
 * @param module a path, relative to the working directory, or a URL
 * @returns rejects with ERR_WORMHOLE_CHILD_THREW, carrying the name, message, stack and cause of what the
 * function threw; with ERR_WORMHOLE_CHILD_EXITED when the child ended without a result; ERR_WORMHOLE_TIMEOUT;
 * ERR_WORMHOLE_UNSERIALIZABLE for the input; ERR_WORMHOLE_SYSTEM when the child could not be started or the input
 * not be sent; ERR_WORMHOLE_ARGUMENT; ERR_WORMHOLE_UNSUPPORTED if the child would run this program again; or the
 * signal's reason. If the system cannot start the child, the channels are closed; an error before that leaves them open
 *
 * @example
 * // sum.js: export default (numbers) => numbers.reduce((a, b) => a + b, 0)
 * import { forkAndRun } from 'wormhole-ipc/process'
 *
 * const sum = await forkAndRun<number>('./sum.js', [1, 2, 3], { timeout: 5000 })
 */
export function forkAndRun<R = unknown>(
  module: URL | string,
  input?: unknown,
  options: ForkAndRunOptions = {}
): Promise<R> {
  const caller: { stack?: string } = {}
  Error.captureStackTrace(caller, forkAndRun)
  return run(module, input, options, String(caller.stack).split('\n')[1] ?? '') as Promise<R>
}
