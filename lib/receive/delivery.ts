import type { StandardSchemaV1 } from '@standard-schema/spec'
import { say } from '../core/describe.js'
import { argumentError, disconnectedError, WormholeError } from '../core/errors.js'
import { Later, quiet } from '../core/promises.js'
import { isThenable, outcomeOf } from '../core/shapes.js'
import { failed, type Observed } from '../core/telemetry.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { Failure } from '../wire/json.js'
import { type Batch, closeEach } from './batch.js'
import type { Delivery } from './waiter.js'

/** What each way of receiving makes of a batch. */

function disconnected(): never {
  throw disconnectedError('Receiver')
}

function atEnd(): IteratorResult<never> {
  return { done: true, value: undefined }
}

export const message: Delivery<unknown> = {
  take: (batch, schema) => {
    const value = batch.takeMessage()
    return schema === undefined ? value : validate(schema, value, batch.end)
  },
  end: disconnected,
}

export const messageWithFds: Delivery<[unknown, OwnedFd[]]> = {
  take: (batch, schema) => {
    const { message: value, fds } = batch.take()
    if (schema === undefined) return [value, fds]
    const drop = (error: unknown): never => {
      closeEach(fds)
      throw error
    }
    try {
      const checked = validate(schema, value, batch.end)
      return checked instanceof Later ? checked.map((settled) => [settled, fds], drop) : [checked, fds]
    } catch (error) {
      return drop(error)
    }
  },
  end: disconnected,
}

/** Takes nothing: tells that something is there. */
export const arrival: Delivery<void> = {
  take: () => undefined,
  end: disconnected,
}

export const result: Delivery<IteratorResult<unknown>> = {
  take: (batch, schema) => {
    const value = batch.takeMessage()
    if (schema === undefined) return { done: false, value }
    const checked = validate(schema, value, batch.end)
    if (checked instanceof Later) return checked.map((settled) => ({ done: false, value: settled }))
    return { done: false, value: checked }
  },
  end: atEnd,
}

/** With a schema that checks asynchronously each step is one message: what it refuses fails alone. */
export const batches: Delivery<IteratorResult<unknown[]>> = {
  take: (batch, schema) => {
    if (schema === undefined) return { done: false, value: batch.takeAll() }
    const first = validate(schema, batch.takeMessage(), batch.end)
    if (first instanceof Later) return first.map((settled) => ({ done: false, value: [settled] }))
    const value = [first]
    while (batch.sound) {
      const next = batch.takeMessage()
      try {
        const checked = validate(schema, next, batch.end)
        if (checked instanceof Later) {
          void quiet(checked.promise)
          batch.putBack(next)
          break
        }
        value.push(checked)
      } catch (error) {
        batch.putBack(new Failure(() => error, true))
        break
      }
    }
    return { done: false, value }
  },
  end: atEnd,
}

/** Returns the next message and its descriptors; throws for a schema that checks asynchronously, and the message stays. */
export function takeNow(batch: Batch, schema: StandardSchemaV1 | undefined): [unknown, OwnedFd[]] {
  const { message: value, fds } = batch.take()
  if (schema === undefined) return [value, fds]
  try {
    const checked = validate(schema, value, batch.end)
    if (!(checked instanceof Later)) return [checked, fds]
    void quiet(checked.promise)
  } catch (error) {
    closeEach(fds)
    throw error
  }
  batch.putBack(value, fds)
  throw argumentError('the schema checks messages asynchronously: use recv(), recvWithFds() or iteration')
}

/** Returns the next message as {@link takeNow} does, and closes its descriptors, if it had any. */
export function takeMessageNow(batch: Batch, schema: StandardSchemaV1 | undefined): unknown {
  if (schema === undefined) return batch.takeMessage()
  const [value, fds] = takeNow(batch, schema)
  closeEach(fds)
  return value
}

/**
 * Returns the message as `schema` returns it, or a {@link Later} of it. A refusal is ERR_WORMHOLE_INVALID, and is
 * published for `end`; what the schema throws is thrown as it is.
 */
export function validate(schema: StandardSchemaV1, message: unknown, end: Observed | null): unknown {
  const answer: unknown = schema['~standard'].validate(message)
  if (isThenable(answer)) return new Later(outcomeOf(answer).then((settled) => accept(settled, message, end)))
  return accept(answer, message, end)
}

function accept(answer: unknown, message: unknown, end: Observed | null): unknown {
  if (!isResult(answer)) {
    return refuse('the schema returned neither a value nor issues', message, answer, end)
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

/** The issues' messages, with their paths. They may be malformed: any schema may have made them. */
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
