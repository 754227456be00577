// node-ipc over a Unix socket, whose documentation calls that its fastest way. Pinned to version 12.0.0 by bench/package.json:
// versions of this package have carried destructive code before (CVE-2022-23812), so no other is taken unread.
import { once } from 'node:events'
import { combine } from './shared/links.mjs'
import { optional } from './shared/optional.mjs'
import { address, socketPath, startAt } from './shared/unix-socket.mjs'

const nodeIpc = optional('node-ipc')

const NAME = 'bench'
const EVENT = 'message'

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'node-ipc',
  promise: 'queue',
  does: ['stream', 'link'],
  available: nodeIpc.available,
  async start(argv, children) {
    const links = []
    for (let index = 0; index < children; index++) {
      const ipc = await quiet()
      const path = socketPath()
      await new Promise((resolve) => {
        ipc.serve(path, resolve)
        ipc.server.start()
      })
      const connected = new Promise((resolve) => ipc.server.on('connect', resolve))
      startAt(argv, path)
      const socket = await connected
      const close = () => {
        ipc.server.stop()
        socket.destroy()
      }
      links.push(link(socket, (message) => ipc.server.emit(socket, EVENT, message), ipc.server, close))
    }
    return combine(links)
  },
  async connect() {
    const ipc = await quiet()
    ipc.connectTo(NAME, address())
    const server = ipc.of[NAME]
    await new Promise((resolve) => server.on('connect', resolve))
    return link(
      server.socket,
      (message) => server.emit(EVENT, message),
      server,
      () => ipc.disconnect(NAME)
    )
  },
}

/** An instance that logs nothing: formatting what it would log is most of its time. */
async function quiet() {
  const { IPCModule } = await nodeIpc.load()
  const ipc = new IPCModule()
  ipc.config.silent = true
  ipc.config.stopRetrying = true
  return ipc
}

/** Emitting reports nothing, so backpressure is that of the socket below. */
function link(socket, emit, events, close) {
  const send = async (message) => {
    emit(message)
    if (socket.writableNeedDrain) await once(socket, 'drain')
  }
  return {
    send,
    async sendAll(messages) {
      for (const message of messages) {
        emit(message)
        if (socket.writableNeedDrain) await once(socket, 'drain')
      }
    },
    receive(take) {
      events.on(EVENT, take)
    },
    close,
  }
}
