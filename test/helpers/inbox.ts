import { WormholeError } from '#lib/core/errors'
import { view } from '#lib/os/memory'
import { Batch } from '#lib/receive/batch'
import { inbox, readFrames } from '#lib/wire/inbox'
import type { Outcome } from './reference-framer.js'

const GUARD_BYTES = 32

/** The result of `readFrames` for some bytes, in the terms of the reference. */
export interface Read {
  outcomes: Outcome[]
  /** The bytes after the last whole frame, as memory holds them afterwards. */
  rest: Buffer
  declared: number | undefined
  overLimit: boolean
}

/**
 * Puts bytes into the inbox, `offset` bytes from its start, and reads them as frames. `behind` is put after them, where
 * an earlier packet's bytes may remain: it must not matter.
 */
export function readInbox(bytes: Uint8Array, limit: number, offset = 0, behind: Uint8Array = STALE): Read {
  const at = inbox + offset
  view.set(bytes, at)
  view.set(behind, at + bytes.length)
  const batch = new Batch()
  const rest = readFrames(at, bytes.length, limit, batch)
  if (rest.complete !== (rest.length === 0)) throw new Error('complete does not agree with what is left')
  return {
    outcomes: outcomesOf(batch),
    rest: Buffer.from(view.subarray(rest.at, rest.at + rest.length)),
    declared: rest.declared,
    overLimit: rest.overLimit,
  }
}

/** Bytes of every kind that has a meaning in JSON. */
export const STALE = Buffer.from('"]}\\,[{"\\]é"},:]'.repeat(2)).subarray(0, GUARD_BYTES)

/** Takes all messages of a batch, one after the other. */
export function outcomesOf(batch: Batch): Outcome[] {
  const outcomes: Outcome[] = []
  while (batch.left > 0) outcomes.push(nextOutcome(batch))
  return outcomes
}

export function nextOutcome(batch: Batch): Outcome {
  try {
    return { value: batch.takeMessage() }
  } catch (error) {
    if (!(error instanceof WormholeError)) throw error
    return { code: error.code, received: error.received }
  }
}
