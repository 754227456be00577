import { wormhole } from './shared/wormhole.mjs'
import { calls, poolWith, serve } from './shared/wormhole-tasks.mjs'

const driver = wormhole('wormhole-ipc')

/** @type {import('./driver.mjs').Driver} */
export default { ...driver, does: [...driver.does, 'bytes', 'calls', 'pool'], calls, serve, pool: poolWith() }
