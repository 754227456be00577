/**
 * A pool of processes that run the function of one module, job after job.
 *
 * @module wormhole-ipc/pool
 */

import './core/supported.js'

export type { CallContext } from './calls/handling.js'
export type { RunOptions } from './pool/job.js'
export type { PoolOptions } from './pool/options.js'
export { Pool, pool } from './pool/pool.js'
export type { PoolStats } from './pool/stats.js'
