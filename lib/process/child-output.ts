import type { Readable, Stream, Writable } from 'node:stream'
import { argumentError } from '../core/errors.js'
import { writeQuietly } from '../core/quiet-write.js'

/**
 * Where an output of a child goes: `'inherit'`, to this process's own; `'ignore'`, nowhere; `'pipe'`, only to the
 * `stderr` of an error; a descriptor, or an object with one, as in `child_process.spawn`; or any writable stream.
 *
 * @example
 * import { type ChildOutput, forkAndRun } from 'wormhole-ipc/process'
 *
 * const quiet: ChildOutput = 'pipe'
 * await forkAndRun('./report.js', { year: 2026 }, { stdout: 'ignore', stderr: quiet })
 */
export type ChildOutput = 'inherit' | 'ignore' | 'pipe' | number | Stream | { readonly fd: number }

/** The `stdio` entry for `spawn`, and the stream that gets what is read from a pipe. */
export interface Route {
  stdio: 'inherit' | 'ignore' | 'pipe' | number | Stream
  target?: Writable | undefined
}

export function routeOf(name: string, output: ChildOutput | undefined): Route {
  if (output === undefined || output === 'inherit') return { stdio: 'inherit' }
  if (output === 'ignore' || output === 'pipe') return { stdio: output }
  if (typeof output === 'number' && Number.isInteger(output) && output >= 0) return { stdio: output }
  if (typeof output === 'object' && output !== null) {
    const { fd, _handle, write } = output as { fd?: unknown; _handle?: unknown; write?: unknown }
    if (typeof fd === 'number') return { stdio: fd }
    if (typeof _handle === 'object' && _handle !== null) return { stdio: output as Stream }
    if (typeof write === 'function') return { stdio: 'pipe', target: output as Writable }
  }
  throw argumentError(`${name} must be 'inherit', 'ignore', 'pipe', a descriptor or a stream`)
}

/** An error carries at most this many characters of a child's standard error. */
const STDERR_TAIL = 8192

/** How long to keep reading a dead child's standard error, in milliseconds: another process may hold it open. */
export const STDERR_GRACE_MS = 100

/** Reads a child's pipe, writes the text to `target`, and keeps its last characters. */
export class Tail {
  text = ''

  constructor(pipe: Readable | null | undefined, target: Writable | undefined) {
    pipe?.setEncoding('utf8')
    pipe?.on('error', () => undefined)
    pipe?.on('data', (text: string) => {
      if (target !== undefined) writeQuietly(target, text)
      this.text = (this.text + text).slice(-STDERR_TAIL)
    })
  }
}
