// Every file in this directory but this one and driver.mjs is a driver, and its name is the peer's.
import { readdirSync } from 'node:fs'

const OTHERS = ['load.mjs', 'driver.mjs']

/** The peer that all others are compared with. */
export const REFERENCE = 'wormhole-ipc'

/** @returns {string[]} every peer, this library first */
export function peerNames() {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.mjs') && !OTHERS.includes(file))
  const names = files.map((file) => file.slice(0, -'.mjs'.length)).sort()
  return [...names.filter((name) => name.startsWith(REFERENCE)), ...names.filter((name) => !name.startsWith(REFERENCE))]
}

/**
 * @param {string} name
 * @returns {Promise<import('./driver.mjs').Driver>}
 */
export async function loadDriver(name) {
  return (await import(`./${name}.mjs`)).default
}
