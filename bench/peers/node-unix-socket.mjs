// SOCK_SEQPACKET of node-unix-socket: one message a packet, since packets are its message boundaries. It says when a write
// is done and otherwise keeps what it is given, so each full window waits for its last write.
import { windowOf } from './shared/in-flight.mjs'
import { combine } from './shared/links.mjs'
import { optional } from './shared/optional.mjs'
import { address, socketPath, startAt } from './shared/unix-socket.mjs'

const unixSocket = optional('node-unix-socket')

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'node-unix-socket SEQPACKET',
  promise: 'kernel',
  does: ['stream', 'link'],
  maxBytes: 200 * 1024, // a packet has to fit into a socket buffer of stock size
  available: unixSocket.available,
  async start(argv, children, job) {
    const { SeqpacketServer } = await unixSocket.load()
    const path = socketPath()
    const server = new SeqpacketServer()
    server.listen(path)
    const links = []
    for (let index = 0; index < children; index++) {
      const connected = new Promise((resolve) => server.once('connection', draining(resolve)))
      startAt(argv, path)
      links.push(link(await connected, job))
    }
    server.close()
    return combine(links)
  },
  async connect(job) {
    const { SeqpacketSocket } = await unixSocket.load()
    const socket = new SeqpacketSocket()
    await new Promise((resolve) => socket.connect(address(), draining(resolve)))
    return link(socket, job)
  },
}

function link(socket, job) {
  const most = windowOf(job)
  const send = (message) => {
    const bytes = Buffer.from(JSON.stringify(message))
    return new Promise((resolve) => socket.write(bytes, 0, bytes.length, draining(resolve)))
  }
  return {
    send,
    async sendAll(messages) {
      let sent = 0
      for (const message of messages) {
        if (++sent % most === 0) await send(message)
        else socket.write(Buffer.from(JSON.stringify(message)))
      }
    },
    receive(take) {
      socket.on(
        'data',
        draining((bytes) => take(JSON.parse(bytes.toString())))
      )
    },
    close: () => socket.destroy(),
  }
}

let scheduled = false

/**
 * Node 26 settles no promise after the addon calls back, until something else runs. So something does, once a turn.
 *
 * @template {unknown[]} Args
 * @param {(...args: Args) => unknown} callback
 * @returns {(...args: Args) => void}
 */
function draining(callback) {
  return (...args) => {
    callback(...args)
    if (scheduled) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
    })
  }
}
