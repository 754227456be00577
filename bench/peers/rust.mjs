// The native yardstick: what the Rust crate does, one sendmsg a message, a peek and a recvmsg a receive, all blocking.
import { rate } from '../measures/rate.mjs'
import { kind } from '../messages.mjs'
import { nativeProgram, runNative } from './shared/native.mjs'

const FIRST = 200

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'Rust, one message a packet',
  promise: 'kernel',
  does: ['stream'],
  maxBytes: 64 * 1024, // the message is an argument of the program, and the crate sends none that is longer than a packet
  available: () => nativeProgram('rust'),
  async measure({ bytes, unicode, seconds }) {
    const message = JSON.stringify(kind(bytes, unicode).make())
    return rate(seconds, FIRST, async (count) => {
      const args = ['stream', '--message', message, '--count', count]
      return (await runNative('rust', args)).seconds
    })
  },
}
