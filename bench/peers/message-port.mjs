// MessagePort of node:worker_threads. One value a message, which is what its documentation has; it knows no backpressure, so
// the receiver acknowledges every half window, or a fast sender would fill the memory.
import { MessageChannel, Worker, workerData } from 'node:worker_threads'
import { deferred } from '../deferred.mjs'
import { windowOf } from './shared/in-flight.mjs'
import { combine } from './shared/links.mjs'

/** Never a message of a workload, which are objects. */
const ACKNOWLEDGED = 1

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'worker_threads MessagePort',
  promise: 'queue',
  does: ['stream', 'link', 'bytes', 'pair'],
  async start([program, ...argv], children, job) {
    const one = () => {
      const { port1, port2 } = new MessageChannel()
      const worker = new Worker(program, { argv, workerData: port2, transferList: [port2] })
      return link(port1, job, () => worker.terminate())
    }
    return combine(Array.from({ length: children }, one))
  },
  async connect(job) {
    return link(workerData, job)
  },
  async pair() {
    const { port1, port2 } = new MessageChannel()
    return {
      send: (message) => port1.postMessage(message),
      recv: () => new Promise((resolve) => port2.once('message', resolve)),
      close: () => port1.close(),
    }
  },
}

/** @param {import('node:worker_threads').MessagePort} port */
function link(port, job, end = () => {}) {
  const half = windowOf(job) / 2
  let takeMessage
  let unacknowledged = 0
  let received = 0
  let room = deferred()
  port.on('message', (message) => {
    if (message === ACKNOWLEDGED) {
      unacknowledged -= half
      room.resolve()
      return
    }
    if (++received % half === 0) port.postMessage(ACKNOWLEDGED)
    takeMessage(message)
  })
  const send = async (message) => {
    unacknowledged++
    port.postMessage(message)
  }
  return {
    send,
    async sendAll(messages) {
      for (const message of messages) {
        while (unacknowledged >= 2 * half) {
          room = deferred()
          await room.promise
        }
        unacknowledged++
        port.postMessage(message)
      }
    },
    receive(take) {
      takeMessage = take
    },
    // A copy: a Buffer that is transferred, or is over shared memory, would not stay the sender's alone.
    sendBytes: send,
    receiveBytes(take) {
      takeMessage = take
    },
    async close() {
      port.close()
      await end()
    },
  }
}
