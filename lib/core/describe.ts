/** Describes a user's value for an error message, with an article. Never throws, whatever the value's own methods do. */
export function describe(value: unknown): string {
  try {
    switch (typeof value) {
      case 'string':
        return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value)
      case 'bigint':
        return `${value}n`
      case 'function':
        return 'a function'
      case 'object':
        return value === null ? 'null' : describeObject(value)
      default:
        return String(value)
    }
  } catch {
    return 'an object'
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return 'an array'
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  if (typeof name !== 'string' || name === '' || name === 'Object') return 'an object'
  return `${/^[AEIOU]/i.test(name) ? 'an' : 'a'} ${name.slice(0, 40)}`
}

/** Returns a user's value that should be text as text. Never throws. */
export function say(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return String(value)
  } catch {
    return describe(value)
  }
}

/** Returns the message of a thrown value, or what it is if it has none. Never throws. */
export function reasonOf(thrown: unknown): string {
  try {
    const message: unknown = (thrown as { message?: unknown } | null | undefined)?.message
    if (typeof thrown === 'object' && typeof message === 'string' && message !== '') return message
    if (typeof thrown === 'string') return thrown
  } catch {}
  return `${describe(thrown)} was thrown`
}
