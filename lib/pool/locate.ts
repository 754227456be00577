import { fileOfCaller } from '../core/call-site.js'
import { moduleUrl } from '../process/module-url.js'

const { existsSync } = process.getBuiltinModule('node:fs')

/**
 * Returns a module's URL. A relative name is resolved from the caller's file if that is known, else from the working
 * directory. `entry` is the function whose caller is looked for.
 */
export function locate(module: URL | string, entry: (...args: never[]) => unknown): string {
  const url = moduleUrl('pool', module)
  const caller = typeof module === 'string' && module.startsWith('.') ? fileOfCaller(entry) : undefined
  if (caller !== undefined) {
    const beside = new URL(module, caller)
    if (existsSync(beside)) return beside.href
  }
  return url
}
