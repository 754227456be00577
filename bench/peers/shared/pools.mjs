/** The module whose function the workers of a pool run, by its default export and as `work`. */
export const TASKS = new URL('../../tasks.mjs', import.meta.url)

/**
 * A pool with the interface of piscina, which tinypool shares.
 *
 * @param {() => Promise<any>} load answers its class
 * @param {object} [options] beside the size
 * @returns {import('../driver.mjs').Driver['pool']}
 */
export function piscinaLike(load, options) {
  return async (size) => {
    const Pool = await load()
    const pool = new Pool({ filename: TASKS.href, minThreads: size, maxThreads: size, ...options })
    return { run: (task) => pool.run(task), close: () => pool.destroy() }
  }
}
