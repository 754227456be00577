// zeromq over ipc://, a push and a pull socket each way. It collects what it sends into few system calls by itself; an
// awaited send waits at the high-water mark, which is its way to hold a fast sender back.
import { windowOf } from './shared/in-flight.mjs'
import { combine } from './shared/links.mjs'
import { optional } from './shared/optional.mjs'
import { address, socketPath, startAt } from './shared/unix-socket.mjs'

const zeromq = optional('zeromq')

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'zeromq ipc://',
  promise: 'queue',
  does: ['stream', 'link', 'bytes'],
  available: zeromq.available,
  async start(argv, children, job) {
    const links = []
    for (let index = 0; index < children; index++) {
      const path = socketPath()
      const { push, pull } = await sockets(job)
      await push.bind(jobs(path))
      await pull.bind(replies(path))
      startAt(argv, path)
      links.push(link(push, pull))
    }
    return combine(links)
  },
  async connect(job) {
    const { push, pull } = await sockets(job)
    push.connect(replies(address()))
    pull.connect(jobs(address()))
    return link(push, pull)
  },
}

const jobs = (path) => `ipc://${path}.jobs`
const replies = (path) => `ipc://${path}.replies`

async function sockets(job) {
  const { Pull, Push } = await zeromq.load()
  const mark = windowOf(job)
  return { push: new Push({ sendHighWaterMark: mark, linger: 0 }), pull: new Pull({ receiveHighWaterMark: mark }) }
}

function link(push, pull) {
  return {
    send: (message) => push.send(JSON.stringify(message)),
    async sendAll(messages) {
      for (const message of messages) await push.send(JSON.stringify(message))
    },
    async receive(take) {
      for await (const [bytes] of pull) take(JSON.parse(bytes.toString()))
    },
    sendBytes: (bytes) => push.send(bytes),
    async receiveBytes(take) {
      for await (const [bytes] of pull) take(bytes)
    },
    close() {
      push.close()
      pull.close()
    },
  }
}
