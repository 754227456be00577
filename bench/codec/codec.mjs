// What lib/wire/inbox.ts does with the hot functions, and what is faster for some forms. Import it once for each form, with
// a query: then V8 compiles it for that form alone, as it does in a program that has one.
import { isUtf8 } from 'node:buffer'

/** Writes the lengths over the placeholders of a batch in memory. */
export function seal({ functions }, at, length) {
  if (functions.sealFrames(at, length) < 0) throw new Error('a batch does not begin with a placeholder')
}

/** Writes messages to `at` as frames; answers their bytes. */
export function encode(variant, values, at) {
  const { view, placeholder, habits } = variant
  if (habits.writesEach) return writeEach(variant, values, at)
  let batch = ''
  for (const value of values) batch += placeholder + JSON.stringify(value)
  const length = view.utf8Write(batch, at, view.length - at)
  seal(variant, at, length)
  return length
}

function writeEach({ view, functions, placeholder }, values, at) {
  const header = placeholder.length
  let to = at
  for (const value of values) {
    const length = view.utf8Write(JSON.stringify(value), to + header, view.length - to - header)
    functions.writeHeader(to, length)
    to += header + length
  }
  return to - at
}

/** The whole frames in a packet of nothing else. */
function countFrames({ functions, walked, walkedIntegers }, at, length) {
  if (functions.walkFrames(at, length, length, walked) !== 0) throw new Error('a packet holds half a frame')
  return walkedIntegers[0]
}

/** A text in memory: where it is, and whether it is all ASCII. */
const found = { at: 0, end: 0, ascii: true }

/** Finds all frames of a packet as the text of one array. */
function merge({ functions, page }, at, length) {
  const bytes = functions.mergeFrames(at, length, page)
  if (bytes === 0) throw new Error('a frame does not stand alone')
  found.at = page
  found.end = page + bytes
  found.ascii = functions.mergedAscii() !== 0
}

/** Finds the payload of the whole frame at `at`. */
function single({ functions, placeholder }, at) {
  found.at = at + placeholder.length
  found.end = found.at + functions.frameSize(at)
  found.ascii = functions.allAscii(found.at, found.end) !== 0
}

/** What was found, as a string: UTF-8 by Node.js itself or, where the form `widens`, made UTF-16 by it. */
function readFound({ functions, view, wide }, widens) {
  const { at, end, ascii } = found
  if (ascii) return view.latin1Slice(at, end)
  if (!isUtf8(view.subarray(at, end))) throw new Error('a packet is not UTF-8')
  return widens ? view.ucs2Slice(wide, wide + 2 * functions.widen(at, end, wide)) : view.utf8Slice(at, end)
}

/** Makes the frames of a packet one text in memory. */
export function unframe(variant, at, length) {
  if (countFrames(variant, at, length) > 1) merge(variant, at, length)
  else single(variant, at)
}

/** Makes the frames of a packet one string. */
export function readText(variant, at, length, widens) {
  unframe(variant, at, length)
  return readFound(variant, widens)
}

/** The messages of a packet of sound frames. */
export function decode(variant, at, length, widens) {
  const frames = countFrames(variant, at, length)
  single(variant, at)
  const { mergesBelow, mergesBelowWide } = variant.habits
  if (frames > 1 && length < frames * (found.ascii ? mergesBelow : mergesBelowWide)) {
    merge(variant, at, length)
    return JSON.parse(readFound(variant, widens))
  }
  const messages = []
  const start = at
  const end = at + length
  // One string of all frames, of which each text is a part.
  let text
  for (; at < end; at = found.end) {
    single(variant, at)
    if (frames > 1 && found.ascii) {
      text ??= variant.view.latin1Slice(start, end)
      messages.push(JSON.parse(text.slice(found.at - start, found.end - start)))
    } else messages.push(JSON.parse(readFound(variant, widens)))
  }
  return messages
}
