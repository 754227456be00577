import type { StandardSchemaV1 } from '@standard-schema/spec'
import { say } from './describe.js'
import { failed } from './diagnostics.js'
import type { Endpoint } from './endpoint.js'
import { WormholeError } from './errors.js'

/** The message as `schema` returns it, or a promise of it; a refusal is ERR_WORMHOLE_INVALID, and `end` tells of it. */
export function validate(schema: StandardSchemaV1, message: unknown, end: Endpoint | null): unknown {
  const result = schema['~standard'].validate(message)
  if (result instanceof Promise) return result.then((settled) => accept(settled, message, end))
  return accept(result, message, end)
}

function accept(result: StandardSchemaV1.Result<unknown>, message: unknown, end: Endpoint | null): unknown {
  if (result.issues === undefined) return result.value
  const issues = result.issues.map(({ message: text, path }) => {
    const what = say(text)
    const where = path?.map((part) => say(typeof part === 'object' ? part.key : part)).join('.')
    return where ? `${where}: ${what}` : what
  })
  const error = new WormholeError('ERR_WORMHOLE_INVALID', `the schema refused a message: ${issues.join('; ')}`, {
    received: message,
    cause: result.issues,
  })
  if (end !== null) failed(end, error)
  throw error
}
