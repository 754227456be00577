import { WormholeError, type WormholeErrorCode } from './errors.js'

/** An error as it travels between processes: what JSON can carry of it. */
export interface ErrorRecord {
  name: string
  message: string
  stack?: string | undefined
  code?: unknown
  cause?: Carried | undefined
  /** The errors of an AggregateError. */
  errors?: Carried[] | undefined
  /** Its own enumerable properties. */
  properties?: Record<string, unknown> | undefined
}

/** An error, or a value that was thrown or set as a cause in place of one. */
type Carried = ErrorRecord | { value: unknown }

const DEEPEST_CAUSE = 8
/** How many errors within one error are carried. */
const MAX_ERRORS = 100
/** Properties that have a field of their own in a record. */
const NAMED = new Set(['name', 'message', 'stack', 'cause', 'errors'])

/** Makes a record of what was thrown: an error of any realm or shape, or any other value. Never throws. */
export function toRecord(thrown: unknown): ErrorRecord {
  if (isErrorLike(thrown)) return record(thrown, [], { left: MAX_ERRORS })
  return { name: 'Error', message: `${kindOf(thrown)} was thrown: ${describeValue(thrown)}` }
}

/** Makes the error that a record describes: of the built-in class of that name, if there is one. */
export function fromRecord(told: ErrorRecord): Error {
  const { name, message, errors } = told
  const Class = BUILT_IN[name] ?? Error
  const error = errors === undefined ? new Class(message) : new AggregateError(errors.map(revive), message)
  if (told.cause !== undefined) define(error, 'cause', revive(told.cause))
  return dress(error, told)
}

/** Makes the error that another process described, whatever that process wrote as a record. */
export function toError(told: unknown): Error {
  const sound = soundRecord(told, 0)
  const error = fromRecord(sound)
  const { code } = sound
  if (code !== undefined && !('code' in error)) Object.assign(error, { code })
  return error
}

function soundRecord(told: unknown, depth: number): ErrorRecord {
  const { name, message, stack, code, cause, errors, properties } = (told ?? {}) as {
    [Key in keyof ErrorRecord]: unknown
  }
  const carried = (value: unknown): Carried => {
    if (typeof value !== 'object' || value === null) return { value }
    return 'value' in value ? { value: value.value } : soundRecord(value, depth + 1)
  }
  const sound: ErrorRecord = {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : 'an error without a message',
  }
  if (typeof stack === 'string') sound.stack = stack
  if (typeof code === 'string' || typeof code === 'number') sound.code = code
  if (typeof properties === 'object' && properties !== null) sound.properties = properties as Record<string, unknown>
  if (depth >= DEEPEST_CAUSE) return sound
  if (cause !== undefined) sound.cause = carried(cause)
  if (Array.isArray(errors)) sound.errors = errors.slice(0, MAX_ERRORS).map(carried)
  return sound
}

/** Tells errors by shape and by V8's own mark, not by class: an error of another realm (`node:vm`) has another class. */
function isErrorLike(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  if (process.getBuiltinModule('node:util').types.isNativeError(value)) return true
  return typeof read(value, 'message') === 'string' && typeof read(value, 'stack') === 'string'
}

function record(error: object, within: readonly object[], budget: { left: number }): ErrorRecord {
  const name = read(error, 'name')
  const message = read(error, 'message')
  const stack = read(error, 'stack')
  const told: ErrorRecord = {
    name: typeof name === 'string' ? name : 'Error',
    message: typeof message === 'string' ? message : describeValue(message),
  }
  if (typeof stack === 'string') told.stack = stack
  const code = read(error, 'code')
  if (typeof code === 'string' || typeof code === 'number') told.code = code
  const inner = [...within, error]
  const carry = (value: unknown): Carried => {
    if (!isErrorLike(value)) return { value: jsonable(value) }
    return inner.includes(value) ? { value: '[Circular]' } : record(value, inner, budget)
  }
  if (inner.length <= DEEPEST_CAUSE) {
    const cause = read(error, 'cause')
    if (cause !== undefined) told.cause = carry(cause)
    const errors = read(error, 'errors')
    if (Array.isArray(errors)) told.errors = errors.filter(() => budget.left-- > 0).map(carry)
  }
  const properties = ownProperties(error)
  if (properties !== undefined) told.properties = properties
  return told
}

/** The error's own properties that JSON can carry. */
function ownProperties(error: object): Record<string, unknown> | undefined {
  const found: [string, unknown][] = []
  for (const key of keysOf(error)) {
    if (NAMED.has(key)) continue
    try {
      const text = JSON.stringify(read(error, key))
      if (text !== undefined) found.push([key, JSON.parse(text)])
    } catch {
      // JSON cannot carry it: the rest is carried without it.
    }
  }
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

/** Reads a property; a getter or a proxy may throw. */
function read(target: object, key: string): unknown {
  try {
    return (target as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function keysOf(target: object): string[] {
  try {
    return Object.keys(target)
  } catch {
    return []
  }
}

const BUILT_IN: Record<string, ErrorConstructor | undefined> = {
  // biome-ignore lint/suspicious/noExplicitAny: `__proto__` is not the name of a class
  __proto__: null as any,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

/** Turns a record into an error; returns a value that stood in place of one as it is. */
function revive(carried: Carried): unknown {
  return 'value' in carried ? carried.value : fromRecord(carried)
}

function dress<Target extends Error>(error: Target, { name, stack, properties = {} }: ErrorRecord): Target {
  for (const [key, value] of Object.entries(properties)) {
    if (!(key in error))
      Object.defineProperty(error, key, { configurable: true, writable: true, enumerable: true, value })
  }
  define(error, 'name', name)
  if (stack !== undefined) define(error, 'stack', stack)
  return error
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { configurable: true, writable: true, enumerable: false, value })
}

/**
 * The error of a child's run that failed: with what it threw, or how it ended.
 *
 * @example
 * import { type ChildError, forkAndRun } from 'wormhole-ipc/process'
 *
 * await forkAndRun('./report.js').catch(({ exitCode, signal, stderr }: ChildError) => {
 *   console.error(exitCode ?? signal, stderr)
 * })
 */
export class ChildError extends WormholeError {
  /** The end of what the child wrote to its standard error. */
  readonly stderr: string
  /** The child's exit code, if it exited. */
  readonly exitCode: number | null
  /** The signal that killed it, if one did. */
  readonly signal: NodeJS.Signals | null
  /** The `code` of what the child threw, if it had one. */
  declare readonly childCode?: unknown

  /** @internal */
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
    if (thrown.errors !== undefined) define(this, 'errors', thrown.errors.map(revive))
    dress(this, thrown)
    if (thrown.code !== undefined) this.childCode = thrown.code
  }
}

/** Returns the value as JSON carries it, or its description if JSON cannot. */
function jsonable(value: unknown): unknown {
  try {
    const text = JSON.stringify(value)
    if (text !== undefined) return JSON.parse(text)
  } catch {
    // Described instead.
  }
  return inspected(value)
}

function describeValue(value: unknown): string {
  const plain = jsonable(value)
  return typeof plain === 'string' ? plain : JSON.stringify(plain)
}

/** Describes a value; `util.inspect` itself fails on some proxies and getters. */
function inspected(value: unknown): string {
  try {
    return process.getBuiltinModule('node:util').inspect(value)
  } catch {
    return 'something that cannot be described'
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const type = typeof value
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`
}
