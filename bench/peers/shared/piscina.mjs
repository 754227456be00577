// piscina, whose workers are threads: what it sends them is cloned and not written as JSON, and a busy worker looks for its
// next job in memory that it shares (`atomics`, on by default) instead of asking the kernel.
import { optional } from './optional.mjs'
import { piscinaLike } from './pools.mjs'

const piscina = optional('piscina')

/** @returns {import('../driver.mjs').Driver} */
export function piscinaWith(title, options) {
  const load = async () => (await piscina.load()).Piscina
  return { title, does: ['pool'], available: piscina.available, pool: piscinaLike(load, options) }
}
