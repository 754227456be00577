import type { StandardSchemaV1 } from '@standard-schema/spec'
import { argumentError, disconnectedError } from '../core/errors.js'
import { Later } from '../core/later.js'
import { quiet } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { Failure } from '../wire/json.js'
import { type Batch, closeEach } from './batch.js'
import { validate } from './schema.js'
import type { Taking } from './waiter.js'

/** What each way of receiving makes of a batch. */

function disconnected(): never {
  throw disconnectedError('Receiver')
}

function atEnd(): IteratorResult<never> {
  return { done: true, value: undefined }
}

export const message: Taking<unknown> = {
  take: (batch, schema) => {
    const value = batch.takeMessage()
    return schema === undefined ? value : validate(schema, value, batch.end)
  },
  end: disconnected,
}

export const messageWithFds: Taking<[unknown, OwnedFd[]]> = {
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

export const result: Taking<IteratorResult<unknown>> = {
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
export const batches: Taking<IteratorResult<unknown[]>> = {
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

/**
 * The next message and its descriptors, for calls that cannot wait for a schema: one that checks
 * asynchronously is refused, and the message stays.
 */
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

/** The next message in the same way; its descriptors, if it had any, are closed. */
export function takeMessageNow(batch: Batch, schema: StandardSchemaV1 | undefined): unknown {
  if (schema === undefined) return batch.takeMessage()
  const [value, fds] = takeNow(batch, schema)
  closeEach(fds)
  return value
}
