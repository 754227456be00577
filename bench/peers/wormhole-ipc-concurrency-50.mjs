import { poolWith } from './shared/wormhole-tasks.mjs'

/** @type {import('./driver.mjs').Driver} */
export default { title: 'wormhole-ipc, concurrency: 50', does: ['pool'], pool: poolWith({ concurrency: 50 }) }
