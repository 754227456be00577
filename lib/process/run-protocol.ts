import type { ErrorRecord } from '../core/carried-error.js'

/** The messages between `forkAndRun` and its runner in the child. */

/** The reserved names among the child's channels. */
export const INPUT = 'wormhole:input'
export const RESULT = 'wormhole:result'

/** What the runner must run. */
export interface Order {
  module: string
  /** The export to call. */
  name: string
  input?: unknown
  /** Where `forkAndRun` was called: a line of a stack. */
  site: string
  /** Whether the caller is itself a function run by `forkAndRun`. */
  nested: boolean
}

/** The runner's answer. */
export type Outcome = { value?: unknown } | { thrown: ErrorRecord }
