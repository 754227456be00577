import type { StandardSchemaV1 } from '@standard-schema/spec'
import { WormholeError } from './errors.js'

/** The message as `schema` returns it, or a promise of it; a refusal is ERR_WORMHOLE_INVALID. */
export function validate(schema: StandardSchemaV1, message: unknown): unknown {
  const result = schema['~standard'].validate(message)
  if (result instanceof Promise) return result.then((settled) => accept(settled, message))
  return accept(result, message)
}

function accept(result: StandardSchemaV1.Result<unknown>, message: unknown): unknown {
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(({ message: text, path }) => {
    const where = path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where ? `${where}: ${text}` : text
  })
  throw new WormholeError('ERR_WORMHOLE_INVALID', `the schema refused a message: ${issues.join('; ')}`, {
    received: message,
    cause: result.issues,
  })
}
