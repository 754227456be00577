/**
 * Child processes with channels. On import it looks for the ends that this process was given.
 *
 * @module wormhole-ipc/process
 */

import './core/supported.js'

export type { End } from './channel/end.js'
export type { Ends, EndsOf } from './channel/named-ends.js'
export type { ChildError } from './core/carried-error.js'
export type { ChildOutput } from './process/child-output.js'
export { forkAndRun } from './process/fork-and-run.js'
export { inherited } from './process/inherited.js'
export type { ForkAndRunOptions } from './process/run.js'
export { type ChannelsOption, fork, spawn } from './process/spawn.js'
