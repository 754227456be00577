import kernel from './limits/kernel.mjs'
import { loadDriver } from './peers/load.mjs'

/**
 * Loads the drivers of `names`; of a peer that cannot run here, the reason.
 *
 * @param {string[]} names
 * @returns {Promise<{ drivers: Map<string, import('./peers/driver.mjs').Driver>, skipped: Skip[] }>}
 *
 * @typedef {{ peer: string, workload?: string, reason: string }} Skip
 */
export async function findPeers(names) {
  const drivers = new Map()
  const skipped = []
  for (const peer of names) {
    try {
      const driver = await loadDriver(peer)
      await driver.available?.()
      drivers.set(peer, driver)
    } catch (error) {
      skipped.push({ peer, reason: error.message })
    }
  }
  return { drivers, skipped }
}

/** @returns {Promise<{ limits: ('codec' | 'kernel')[], skipped: Skip[] }>} the limits that can be measured here */
export async function findLimits() {
  try {
    await kernel.available()
    return { limits: ['codec', 'kernel'], skipped: [] }
  } catch (error) {
    return { limits: ['codec'], skipped: [{ peer: "the kernel's limit", reason: error.message }] }
  }
}
