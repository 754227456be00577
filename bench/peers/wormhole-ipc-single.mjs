import { wormhole } from './shared/wormhole.mjs'

/** @type {import('./driver.mjs').Driver} */
export default wormhole('wormhole-ipc, coalesce: false', { coalesce: false })
