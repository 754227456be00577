// The other side of a workload: connects as its driver says and plays one role. Started by a driver's `start`.
import { isMainThread } from 'node:worker_threads'
import { weighBytes } from './measures/bytes.mjs'
import { kind, messages } from './messages.mjs'
import { loadDriver } from './peers/load.mjs'
import { pin } from './pin.mjs'
import { work } from './tasks.mjs'

const job = JSON.parse(process.argv.at(-1))
if (job.cores !== undefined) pin(job.cores.at(-1))
// The parent holds the other end, so this process never outlives it.
if (isMainThread) process.stdin.once('close', () => process.exit()).resume()

const driver = await loadDriver(job.peer)
if (job.role === 'serve') await driver.serve(work)
else roles(await driver.connect(job))[job.role]()

/** @param {import('./peers/driver.mjs').Link} link */
function roles(link) {
  const what = kind(job.bytes ?? 45, job.unicode)
  return {
    /** Counts and weighs messages; reports what came since the last report. */
    sink() {
      let count = 0
      let weight = 0
      link.receive((message) => {
        if (message.bench === undefined) {
          count++
          weight += what.weigh(message)
        } else {
          link.send({ count, weight })
          count = 0
          weight = 0
        }
      })
    },

    /** The same for messages that bring a descriptor each. */
    handles() {
      let count = 0
      link.receiveHandles((message, hasHandle) => {
        if (hasHandle) count++
        if (message.bench === undefined) return
        link.send({ count, weight: 0 })
        count = 0
      })
    },

    /** Sends as many messages as it is told to. The promise keeps it from taking another child's order meanwhile. */
    source() {
      link.receive((message) => link.sendAll(messages(what, message.count)))
    },

    /** Reads into each Buffer, and answers with its weight. */
    bytes() {
      link.receiveBytes((bytes) => link.send({ weight: weighBytes(bytes) }))
    },

    echo() {
      link.receive((message) => {
        link.send(message)
      })
    },

    'echo-sync'() {
      try {
        for (;;) link.sendSync(link.recvSync())
      } catch (error) {
        if (error.code !== 'ERR_WORMHOLE_DISCONNECTED') throw error
        process.exit()
      }
    },

    /** Sends every message back whole, as the tests of the drivers want it. */
    mirror() {
      const received = []
      link.receive((message) => {
        if (message.bench === undefined) received.push(message)
        else link.sendAll(received)
      })
    },
  }
}
