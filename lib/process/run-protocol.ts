import type { ErrorRecord } from '../core/carried-error.js'

/** What `forkAndRun` and its runner, in the child, say to each other. */

/** Names that they keep for themselves among the child's channels. */
export const INPUT = 'wormhole:input'
export const RESULT = 'wormhole:result'

/** What the runner is told. */
export interface Order {
  module: string
  /** The export to call. */
  name: string
  input?: unknown
  /** Where `forkAndRun` was called: a line of a stack. */
  site: string
  /** Whether a function that `forkAndRun` runs has called it. */
  nested: boolean
}

/** What it answers. */
export type Outcome = { value?: unknown } | { thrown: ErrorRecord }
