// tinypool with child processes, and node's JSON between them, which is its default.
import { optional } from './optional.mjs'
import { piscinaLike } from './pools.mjs'

const tinypool = optional('tinypool')

/** @returns {import('../driver.mjs').Driver} */
export function tinypoolWith(title, options) {
  const load = async () => (await tinypool.load()).Tinypool
  const pool = piscinaLike(load, { runtime: 'child_process', ...options })
  return { title, does: ['pool'], available: tinypool.available, pool }
}
