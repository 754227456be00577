import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import { MESSAGE_LIMIT } from '#lib/core/options'
import { view } from '#lib/os/memory'
import { Batch } from '#lib/receive/batch'
import { inbox, readFrames } from '#lib/wire/inbox'
import { outcomesOf, STALE } from './inbox.js'
import { decodePayload, frame, type Outcome } from './reference-framer.js'

/** A frame, and what the reference reads from it alone. */
export interface Alone {
  readonly payload: Uint8Array
  readonly frame: Buffer
  readonly outcome: Outcome
}

export function alone(payload: Uint8Array): Alone {
  return { payload, frame: frame(payload), outcome: decodePayload(payload) }
}

/**
 * Reads frames as one packet, `offset` bytes into a block: each must give the same result as alone. The reference has
 * read them before, so that millions of packets of the same frames cost little more than reading them.
 */
export function expectAlone(parts: readonly Alone[], offset: number): void {
  const start = inbox + offset
  let at = start
  for (const part of parts) {
    view.set(part.frame, at)
    at += part.frame.length
  }
  view.set(STALE, at)
  const batch = new Batch()
  const rest = readFrames(start, at - start, MESSAGE_LIMIT, batch)
  const outcomes = outcomesOf(batch)
  const same = rest.complete && outcomes.length === parts.length
  if (same && outcomes.every((outcome, index) => isOutcome(outcome, (parts[index] as Alone).outcome))) return
  const bytes = Buffer.concat(parts.map((part) => part.frame))
  const where = `offset ${offset} of ${JSON.stringify(bytes.toString('latin1'))}`
  expect(outcomes, where).to.deep.equal(parts.map(({ outcome }) => outcome))
  throw new Error(`something is left of ${where}`)
}

/** Compares strings and numbers, which are most of them, without a walk. */
function isOutcome(actual: Outcome, expected: Outcome): boolean {
  if ('value' in expected) {
    if (!('value' in actual)) return false
    return Object.is(actual.value, expected.value) || isDeepStrictEqual(actual.value, expected.value)
  }
  if (!('code' in actual) || actual.code !== expected.code) return false
  return actual.received === expected.received || isDeepStrictEqual(actual.received, expected.received)
}
