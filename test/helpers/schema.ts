import type { StandardSchemaV1 } from '@standard-schema/spec'

type Schema<Output> = StandardSchemaV1<unknown, Output>

function resultOf<Output>(check: (value: unknown) => Output, value: unknown): StandardSchemaV1.Result<Output> {
  try {
    return { value: check(value) }
  } catch (error) {
    return { issues: [{ message: (error as Error).message, path: ['n', { key: 0 }] }] }
  }
}

/** Makes a schema that gives what `check` returns, and refuses the values for which it throws. */
export function schemaOf<Output>(check: (value: unknown) => Output): Schema<Output> {
  return { '~standard': { version: 1, vendor: 'test', validate: (value) => resultOf(check, value) } }
}

/** Makes a schema as `schemaOf` does that answers later, or immediately for values for which `atOnce` is true. */
export function asyncSchemaOf<Output>(
  check: (value: unknown) => Output,
  atOnce: (value: unknown) => boolean = () => false
): Schema<Output> {
  const validate = (value: unknown) => {
    if (atOnce(value)) return resultOf(check, value)
    return new Promise<StandardSchemaV1.Result<Output>>((resolve) => {
      setImmediate(() => resolve(resultOf(check, value)))
    })
  }
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

/** Returns a number as text; throws for other values and for negative numbers. */
export function text(value: unknown): string {
  if (typeof value !== 'number') throw new Error('not a number')
  if (value < 0) throw new Error('negative')
  return `number ${value}`
}
