// What lib/framing.ts does with the hot functions, over any form of them. Import it once for each form, with a query:
// then V8 compiles it for that form alone, as it does in a program that has one.

/** Writes the lengths over the placeholders of a batch in memory. */
export function seal({ functions }, at, length) {
  if (functions.sealFrames(at, length) < 0) throw new Error('a batch does not begin with a placeholder')
}

/** Writes a batch of texts, each behind a placeholder, to `at` as frames; answers its bytes. */
export function encode(variant, batch, at) {
  const length = variant.view.write(batch, at, 'utf8')
  seal(variant, at, length)
  return length
}

/** Makes one text of the whole frames at `at`; puts into `text` where it stands and whether it is all ASCII. */
export function unframe({ functions, table }, at, length, text) {
  if (functions.walkFrames(at, length, length) !== 0) throw new Error('a packet holds half a frame')
  if (functions.frames.value > 1) {
    if (functions.mergeFrames(at, length, table) === 0) throw new Error('a frame does not stand alone')
    text.at = at
    text.end = at + length + 1
    text.ascii = functions.mergedAscii() !== 0
  } else {
    text.end = at + length
    text.at = text.end - functions.frameSize(at)
    text.ascii = functions.allAscii(text.at, text.end) !== 0
  }
  return text
}

const found = { at: 0, end: 0, ascii: true }

/** The messages of a packet of sound frames. The byte behind them is left as it was. */
export function decode(variant, at, length) {
  const { functions, view } = variant
  const text = unframe(variant, at, length, found)
  const parsed = JSON.parse(view.toString(text.ascii ? 'latin1' : 'utf8', text.at, text.end))
  if (text.at !== at) return [parsed]
  functions.restoreBehind(at + length)
  return parsed
}
