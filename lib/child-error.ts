import { WormholeError, type WormholeErrorCode } from './errors.js'

/** An error as it travels between processes: what JSON can carry of it. */
export interface ErrorRecord {
  name: string
  message: string
  stack?: string | undefined
  code?: unknown
  /** Its other own properties, as JSON carries them. */
  properties?: Record<string, unknown> | undefined
  cause?: ErrorRecord | { value: unknown } | undefined
}

const DEEPEST_CAUSE = 8

export function toRecord(error: unknown, depth = 0): ErrorRecord {
  if (!(error instanceof Error))
    return { name: 'Error', message: `a ${typeof error} was thrown: ${describeValue(error)}` }
  const record: ErrorRecord = { name: error.name, message: error.message, stack: error.stack }
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' || typeof code === 'number') record.code = code
  const properties = propertiesOf(error)
  if (properties !== undefined) record.properties = properties
  if (error.cause !== undefined && depth < DEEPEST_CAUSE) {
    record.cause = error.cause instanceof Error ? toRecord(error.cause, depth + 1) : { value: jsonable(error.cause) }
  }
  return record
}

const KNOWN = new Set(['name', 'message', 'stack', 'code', 'cause'])

/** An error's own enumerable properties, those that JSON can carry; undefined where there is none. */
function propertiesOf(error: Error): Record<string, unknown> | undefined {
  let found: Record<string, unknown> | undefined
  for (const key of Object.keys(error)) {
    if (KNOWN.has(key)) continue
    try {
      const text = JSON.stringify((error as unknown as Record<string, unknown>)[key])
      if (text === undefined) continue
      found ??= Object.create(null) as Record<string, unknown>
      found[key] = JSON.parse(text)
    } catch {
      // A getter that throws, a cycle: not this one.
    }
  }
  return found
}

/** An Error of whatever another process sent as a record, its code and properties included. */
export function toError(record: unknown, depth = 0): Error {
  const { name, message, stack, code, properties, cause } = (record ?? {}) as { [Key in keyof ErrorRecord]: unknown }
  const inner =
    typeof cause !== 'object' || cause === null || depth >= DEEPEST_CAUSE
      ? {}
      : { cause: 'value' in cause ? cause.value : toError(cause, depth + 1) }
  const error = new Error(typeof message === 'string' ? message : 'an error without a message', inner)
  const own = typeof properties === 'object' && properties !== null ? Object.entries(properties) : []
  for (const [key, value] of own) {
    if (!KNOWN.has(key)) {
      Object.defineProperty(error, key, { configurable: true, writable: true, enumerable: true, value })
    }
  }
  if (typeof code === 'string' || typeof code === 'number') Object.assign(error, { code })
  return dress(error, {
    name: typeof name === 'string' ? name : 'Error',
    message: error.message,
    stack: typeof stack === 'string' ? stack : undefined,
  })
}

/** An Error again, for `cause`; a value that was thrown as a cause as it is. */
function revive(record: ErrorRecord | { value: unknown } | undefined): unknown {
  if (record === undefined) return undefined
  if ('value' in record) return record.value
  const error = new Error(record.message, record.cause === undefined ? undefined : { cause: revive(record.cause) })
  return dress(error, record)
}

function dress<Target extends Error>(error: Target, record: ErrorRecord): Target {
  const hidden = { configurable: true, writable: true, enumerable: false }
  Object.defineProperty(error, 'name', { ...hidden, value: record.name })
  if (record.stack !== undefined) Object.defineProperty(error, 'stack', { ...hidden, value: record.stack })
  return error
}

/** How a child's run failed: what it threw, or how it ended. */
export class ChildError extends WormholeError {
  /** The end of what the child wrote to its standard error. */
  readonly stderr: string
  /** The child's exit code, where it exited. */
  readonly exitCode: number | null
  /** The signal that killed it, where one did. */
  readonly signal: NodeJS.Signals | null
  /** In what the child threw: its `code`, if it had one. */
  declare readonly childCode?: unknown

  constructor(
    code: WormholeErrorCode,
    message: string,
    ended: { stderr: string; exitCode: number | null; signal: NodeJS.Signals | null },
    thrown?: ErrorRecord
  ) {
    super(code, message, thrown?.cause === undefined ? {} : { cause: revive(thrown.cause) })
    this.stderr = ended.stderr
    this.exitCode = ended.exitCode
    this.signal = ended.signal
    if (thrown === undefined) return
    dress(this, thrown)
    if (thrown.code !== undefined) this.childCode = thrown.code
  }
}

function jsonable(value: unknown): unknown {
  try {
    const text = JSON.stringify(value)
    return text === undefined ? String(value) : JSON.parse(text)
  } catch {
    return String(value)
  }
}

function describeValue(value: unknown): string {
  const plain = jsonable(value)
  return typeof plain === 'string' ? plain : JSON.stringify(plain)
}
