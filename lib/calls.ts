/**
 * Calls over channels: one side serves functions, the other calls them, and both may do both.
 *
 * @module wormhole-ipc/calls
 */

import './core/supported.js'

export type { CallOptions } from './calls/call.js'
export { type Api, type Caller, caller } from './calls/caller.js'
export type { CallContext } from './calls/handling.js'
export { link } from './calls/make-link.js'
export { type ServeOptions, serve } from './calls/serve.js'
export { type WithFds, withFds } from './calls/with-fds.js'
export type { Link } from './channel/link.js'
