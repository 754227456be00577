// The codec's limit: what JSON alone allows, with nothing sent. The slower of the two sides, since they work side by side.
import { firstRound, rate, stopwatch } from '../measures/rate.mjs'
import { kind } from '../messages.mjs'

/** A receiver that parses a batch at once parses about this much. */
const BATCH_BYTES = 64 * 1024

export default {
  async measure({ bytes, unicode, seconds }) {
    const what = kind(bytes, unicode)
    const first = firstRound(bytes)
    const stringify = await rate(seconds / 2, first, async (count) => {
      let length = 0
      const elapsed = stopwatch()
      for (let index = 0; index < count; index++) length += JSON.stringify(what.make()).length
      const took = elapsed()
      if (length < count) throw new Error('nothing was written')
      return took
    })
    const text = JSON.stringify(what.make())
    const each = Math.max(1, Math.floor(BATCH_BYTES / text.length))
    const batch = `[${Array(each).fill(text).join()}]`
    const weight = what.weigh(what.make())
    const parse = await rate(seconds / 2, Math.ceil(first / each), async (count) => {
      let weighed = 0
      const elapsed = stopwatch()
      for (let index = 0; index < count; index++) {
        for (const message of JSON.parse(batch)) weighed += what.weigh(message)
      }
      const took = elapsed()
      if (weighed !== count * each * weight) throw new Error('a message has changed')
      return took
    })
    const sides = { stringify: stringify.value, parse: parse.value * each }
    return { ...sides, value: Math.min(sides.stringify, sides.parse) }
  },
}
