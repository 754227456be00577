// The receiver maps what was sent instead of reading it.
import { wormhole } from './shared/wormhole.mjs'

/** @type {import('./driver.mjs').Driver} */
export default wormhole('wormhole-ipc, map()', { takeBytes: (file) => file.map(), does: ['bytes'] })
