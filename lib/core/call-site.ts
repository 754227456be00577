const { pathToFileURL } = process.getBuiltinModule('node:url')

/**
 * Returns the URL of the file that called `entry`, or undefined if that cannot be told, as in code that was evaluated. It
 * is where the code runs, whatever a bundler has made of `import.meta.url`.
 */
export function fileOfCaller(entry: (...args: never[]) => unknown): string | undefined {
  // --frozen-intrinsics
  if (Object.isFrozen(Error)) return undefined
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
