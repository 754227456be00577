import type { AsyncResource } from 'node:async_hooks'
import { getBuiltinModule } from './globals.js'

/**
 * Keeps the async context of the call that is being made (its AsyncLocalStorage stores), for what runs user code for it
 * later. The caller of this runs that with `runInAsyncScope`, and tells of the end with `emitDestroy`.
 */
export function callerContext(): AsyncResource {
  const { AsyncResource } = getBuiltinModule('node:async_hooks')
  return new AsyncResource('WORMHOLE_RECEIVE', { requireManualDestroy: true })
}
