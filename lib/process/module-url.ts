import { argumentError } from '../core/errors.js'

const { resolve } = process.getBuiltinModule('node:path')
const { pathToFileURL } = process.getBuiltinModule('node:url')

/** URLs that a child can import. */
const IMPORTED = /^(?:file|data|node):/

/** Returns the URL of the module given to `call`; a path is relative to the working directory. Throws if it is none. */
export function moduleUrl(call: string, module: unknown): string {
  const { href } = (module ?? {}) as { href?: unknown }
  const text = typeof module === 'object' && typeof href === 'string' ? href : module
  if (typeof text !== 'string' || text === '') {
    const what = module === null ? 'null' : text === '' ? 'an empty string' : `a value of type ${typeof module}`
    throw argumentError(
      `${call} takes the path or URL of a module, not ${what}: export the function from a file, and give that file`
    )
  }
  if (IMPORTED.test(text)) return text
  if (text !== module || /^[a-z][a-z\d+.-]*:\/\//i.test(text)) {
    throw argumentError(`${call} cannot run ${text}: only file:, data: and node: URLs are modules here`)
  }
  return pathToFileURL(resolve(text)).href
}
