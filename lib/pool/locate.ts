import { moduleUrl } from '../process/module-url.js'

const { existsSync } = process.getBuiltinModule('node:fs')
const { pathToFileURL } = process.getBuiltinModule('node:url')

/**
 * Returns a module's URL. A relative name is resolved from the caller's file if that is known, else from the working
 * directory. `entry` is the function whose caller is looked for.
 */
export function locate(module: URL | string, entry: (...args: never[]) => unknown): string {
  const url = moduleUrl('pool', module)
  const caller = typeof module === 'string' && module.startsWith('.') ? callerOf(entry) : undefined
  if (caller !== undefined) {
    const beside = new URL(module, caller)
    if (existsSync(beside)) return beside.href
  }
  return url
}

function callerOf(entry: (...args: never[]) => unknown): string | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error
  const holder: { stack?: unknown } = {}
  try {
    Error.stackTraceLimit = 1
    Error.prepareStackTrace = (_error, sites) => sites[0]?.getFileName()
    Error.captureStackTrace(holder, entry)
    const file = holder.stack
    if (typeof file !== 'string') return undefined
    if (file.startsWith('file:')) return file
    return file.startsWith('/') ? pathToFileURL(file).href : undefined
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}
