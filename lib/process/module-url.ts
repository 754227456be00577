import { argumentError } from '../core/errors.js'

const { resolve } = process.getBuiltinModule('node:path')
const { pathToFileURL } = process.getBuiltinModule('node:url')

/** What a child can import. */
const IMPORTED = /^(?:file|data|node):/

/** The URL of a module that `call` was given, a path being relative to the working directory; throws for what is none. */
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
