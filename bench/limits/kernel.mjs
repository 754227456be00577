// The kernel's limit: packets like those that this library sent, moved by two blocking C programs that look at nothing.
import { rate } from '../measures/rate.mjs'
import { nativeProgram, runNative } from '../peers/shared/native.mjs'

const HEADER_BYTES = 8
const FIRST = 200

/** The longest packet of a socket buffer of stock size (docs/wire.md); longer messages go in pieces of this length. */
const MAX_BYTES = 212_960

export default {
  available: () => nativeProgram('c'),
  async measure({ packetBytes, packetMessages, seconds }) {
    const whole = packetBytes + HEADER_BYTES * packetMessages
    const bytes = Math.min(MAX_BYTES, Math.round(whole))
    const packets = await rate(seconds, FIRST, async (count) => {
      const { seconds: took } = await runNative('c', ['stream', '--bytes', bytes, '--count', count])
      return took
    })
    return { bytes, value: (packets.value * packetMessages * bytes) / whole }
  },
}
