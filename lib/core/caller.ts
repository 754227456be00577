import type { AsyncResource } from 'node:async_hooks'
import { getBuiltinModule } from './globals.js'

/**
 * Keeps the async context of the current call (its AsyncLocalStorage stores), in which user code runs for it later:
 * with `runInAsyncScope`, and `emitDestroy` at the end.
 */
export function callerContext(): AsyncResource {
  const { AsyncResource } = getBuiltinModule('node:async_hooks')
  return new AsyncResource('WORMHOLE_RECEIVE', { requireManualDestroy: true })
}
