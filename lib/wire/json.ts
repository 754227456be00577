import { reasonOf } from '../core/describe.js'
import { WormholeError } from '../core/errors.js'
import { isError } from '../core/shapes.js'

/** The JSON text of a message; throws ERR_WORMHOLE_UNSERIALIZABLE for what JSON cannot carry. */
export function toText(message: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(message)
  } catch (cause) {
    const reason = reasonOf(cause)
    if (isTooLong(cause)) {
      throw new WormholeError('ERR_WORMHOLE_TOO_LARGE', 'the message as JSON is longer than the longest string', {
        cause,
      })
    }
    throw new WormholeError('ERR_WORMHOLE_UNSERIALIZABLE', `the message cannot be written as JSON: ${reason}`, {
      cause,
    })
  }
  if (text === undefined) {
    throw new WormholeError('ERR_WORMHOLE_UNSERIALIZABLE', `JSON has no text for a message of type ${typeof message}`)
  }
  return text
}

/**
 * A message that could not be read: it stands in the message's place, for the taker that comes to it. The error,
 * which has a stack, is made for that taker.
 */
export class Failure {
  /** @param told whether those who observe know of it already */
  constructor(
    readonly error: () => unknown,
    readonly told = false
  ) {}
}

/** The value of one frame's text, or why there is none. */
export function fromText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    return new Failure(
      () =>
        new WormholeError('ERR_WORMHOLE_MALFORMED', `a frame is not JSON: ${(cause as Error).message}`, {
          cause,
          received: text,
        })
    )
  }
}

export function tooLarge(length: number, limit: number): WormholeError {
  return new WormholeError(
    'ERR_WORMHOLE_TOO_LARGE',
    `a message of ${length} bytes is longer than maxMessageBytes (${limit})`
  )
}

export function malformed(reason: string, received?: unknown): WormholeError {
  return new WormholeError('ERR_WORMHOLE_MALFORMED', reason, received === undefined ? {} : { received })
}

/** Whether V8 says that a string would be too long; what a `toJSON` throws may itself throw when it is looked at. */
function isTooLong(thrown: unknown): boolean {
  try {
    return isError(thrown) && thrown.name === 'RangeError' && /string length/.test(thrown.message)
  } catch {
    return false
  }
}

/** What JSON leaves out where it is a property, and has no text for where it is all. */
export function isLeftOut(value: unknown): boolean {
  return typeof value === 'function' || typeof value === 'symbol'
}
