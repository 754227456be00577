// Packages that bench/package.json lists as optional.

/**
 * @param {string} name of a package
 * @returns {{ available(): Promise<unknown>, load(): Promise<any> }}
 */
export function optional(name) {
  let loaded
  const load = () => {
    loaded ??= import(name)
    return loaded
  }
  return {
    load,
    available: () =>
      load().catch((error) => {
        const [reason] = error.message.split('\n')
        throw new Error(error.code === 'ERR_MODULE_NOT_FOUND' ? `${name} is not installed` : `${name}: ${reason}`)
      }),
  }
}
