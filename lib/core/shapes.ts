const { types } = process.getBuiltinModule('node:util')

/**
 * What kind of value user code has passed. Its class may be of another realm (a vm context, jsdom) or library, or may
 * have been replaced (zone.js and Promise): so the checks look at what it can do, never at `instanceof`.
 */

export const { isUint8Array } = types

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && typeof (value as { then?: unknown }).then === 'function'
}

/** Returns a promise of a thenable's outcome: whatever its `then` does, it settles once, and after this call. */
export async function outcomeOf(thenable: PromiseLike<unknown>): Promise<unknown> {
  return await thenable
}

export function isError(value: unknown): value is Error {
  if (types.isNativeError(value)) return true
  if (typeof value !== 'object' || value === null) return false
  const { name, message, stack } = value as Partial<Error>
  return typeof name === 'string' && typeof message === 'string' && typeof stack === 'string'
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  if (!isObject(value)) return false
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  )
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
