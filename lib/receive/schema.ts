import type { StandardSchemaV1 } from '@standard-schema/spec'
import { say } from '../core/describe.js'
import { WormholeError } from '../core/errors.js'
import { Later } from '../core/later.js'
import { isThenable, outcomeOf } from '../core/shapes.js'
import { failed, type Observed } from '../core/telemetry.js'

/**
 * The message as `schema` returns it, or a {@link Later} of it; a refusal is ERR_WORMHOLE_INVALID, and `end` tells of
 * it. What the schema throws is thrown as it is.
 */
export function validate(schema: StandardSchemaV1, message: unknown, end: Observed | null): unknown {
  const answer: unknown = schema['~standard'].validate(message)
  if (isThenable(answer)) return new Later(outcomeOf(answer).then((settled) => accept(settled, message, end)))
  return accept(answer, message, end)
}

function accept(answer: unknown, message: unknown, end: Observed | null): unknown {
  if (!isResult(answer)) {
    return refuse('the schema answered neither with a value nor with issues', message, answer, end)
  }
  if (answer.issues === undefined) return answer.value
  return refuse(`the schema refused a message${textOf(answer.issues)}`, message, answer.issues, end)
}

interface Answer {
  value?: unknown
  issues?: unknown
}

function isResult(answer: unknown): answer is Answer {
  if (answer === null || (typeof answer !== 'object' && typeof answer !== 'function')) return false
  return 'value' in answer || (answer as Answer).issues !== undefined
}

function refuse(reason: string, received: unknown, cause: unknown, end: Observed | null): never {
  const error = new WormholeError('ERR_WORMHOLE_INVALID', reason, { received, cause })
  if (end !== null) failed(end, error)
  throw error
}

/** What the issues say, with where. They are of any schema's making. */
function textOf(issues: unknown): string {
  try {
    return `: ${(issues as StandardSchemaV1.Issue[]).map(issueText).join('; ')}`
  } catch {
    return ', with issues that cannot be read'
  }
}

function issueText({ message, path }: StandardSchemaV1.Issue): string {
  const where = path?.map((part) => say(typeof part === 'object' ? part.key : part)).join('.')
  return where ? `${where}: ${say(message)}` : say(message)
}
