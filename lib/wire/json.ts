import { reasonOf } from '../core/describe.js'
import { WormholeError } from '../core/errors.js'
import { isError } from '../core/shapes.js'
import { LONG_TEXT, noteLongText } from '../os/malloc.js'

/** Returns the JSON text of a message; throws ERR_WORMHOLE_UNSERIALIZABLE for what JSON cannot carry. */
export function toText(message: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(message)
  } catch (cause) {
    throw unwritable(cause)
  }
  if (text === undefined) {
    throw new WormholeError('ERR_WORMHOLE_UNSERIALIZABLE', `JSON cannot carry a message of type ${typeof message}`)
  }
  if (text.length >= LONG_TEXT) noteLongText()
  return text
}

/**
 * Returns a value's JSON text between two pieces of text, or undefined if JSON has none. Throws as {@link toText} does.
 * That saves the object that would hold the value, and its keys are not written anew.
 */
export function textOf(before: string, value: unknown, after: string): string | undefined {
  try {
    const text: string | undefined = JSON.stringify(value)
    if (text === undefined) return undefined
    if (text.length >= LONG_TEXT) noteLongText()
    return before + text + after
  } catch (cause) {
    throw unwritable(cause)
  }
}

/** Returns the error for a value that V8 or the value's own code refused to write. */
function unwritable(cause: unknown): WormholeError {
  const reason = reasonOf(cause)
  return isTooLong(cause)
    ? new WormholeError('ERR_WORMHOLE_TOO_LARGE', 'the message as JSON is longer than a string can be', { cause })
    : new WormholeError('ERR_WORMHOLE_UNSERIALIZABLE', `the message cannot be written as JSON: ${reason}`, { cause })
}

/** Stands in for a message that could not be read. Its error, which has a stack, is made only for the receive it fails. */
export class Failure {
  /** @param told whether the error was published already */
  constructor(
    readonly error: () => unknown,
    readonly told = false
  ) {}
}

/** Parses one frame's text; returns its value, or a Failure. */
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

/** Tells whether V8 refused a string as too long; what a `toJSON` throws may itself throw when its properties are read. */
function isTooLong(thrown: unknown): boolean {
  try {
    return isError(thrown) && thrown.name === 'RangeError' && /string length/.test(thrown.message)
  } catch {
    return false
  }
}

/** Tells whether JSON omits a value that is a property, and has no text for it as a message. */
export function isLeftOut(value: unknown): boolean {
  return typeof value === 'function' || typeof value === 'symbol'
}
