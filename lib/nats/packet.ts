import { Buffer } from '../core/globals.js'
import { Failure, fromText, malformed, tooLarge } from '../wire/json.js'

/** How the messages of a packet are written: one alone as it is; several joined by newlines, which JSON text never has. */

/** The header that counts the messages of a packet which has several. */
export const COUNT = 'Wh-Count'
const SEPARATOR = '\n'
/**
 * Messages of one packet at most. More make a stream no faster by much, and all that a receiver has not done of a packet when
 * it dies comes again.
 */
export const MAX_MESSAGES = 96

export function join(texts: readonly string[]): string {
  return texts.join(SEPARATOR)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns the texts of a packet's messages; a failure for what is none. */
export function split(bytes: Uint8Array, count: string | undefined): string[] | Failure {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    const received = Buffer.from(bytes)
    return new Failure(() => malformed('a packet is not UTF-8', received))
  }
  if (count === undefined || count === '') return [text]
  const texts = text.split(SEPARATOR)
  if (String(texts.length) === count) return texts
  return new Failure(() =>
    malformed(`a packet of ${texts.length} lines says that it has ${count.slice(0, 20)} messages`, text)
  )
}

/** Parses the text of one message; a failure if it is not JSON or too long. */
export function parse(text: string, maxMessageBytes: number): unknown {
  if (isLonger(text, maxMessageBytes)) {
    const bytes = Buffer.byteLength(text)
    return new Failure(() => tooLarge(bytes, maxMessageBytes))
  }
  return fromText(text)
}

/** Whether a text has more than `limit` bytes as UTF-8, which is at most three for each unit. */
export function isLonger(text: string, limit: number): boolean {
  return text.length * 3 > limit && Buffer.byteLength(text) > limit
}
