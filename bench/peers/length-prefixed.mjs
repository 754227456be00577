// JSON behind a length of four bytes, over a Unix net.Socket. Many messages a write, encoded into one buffer.
import { once } from 'node:events'
import { overSockets } from './shared/unix-socket.mjs'

const HEADER_BYTES = 4
const BATCH_BYTES = 64 * 1024
/** The most bytes of UTF-8 that one UTF-16 unit becomes. */
const BYTES_PER_UNIT = 3

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'length-prefixed JSON over net.Socket',
  promise: 'kernel',
  does: ['stream', 'link', 'pair'],
  ...overSockets(link),
}

/** @param {import('node:net').Socket} socket */
function link(socket) {
  return {
    send: (message) =>
      new Promise((resolve, reject) =>
        socket.write(frame(JSON.stringify(message)), (error) => (error ? reject(error) : resolve(undefined)))
      ),
    async sendAll(messages) {
      let batch = Buffer.allocUnsafe(BATCH_BYTES)
      let end = 0
      let ready = true
      const flush = () => {
        if (end > 0) ready = socket.write(batch.subarray(0, end))
        batch = Buffer.allocUnsafe(BATCH_BYTES)
        end = 0
      }
      for (const message of messages) {
        const text = JSON.stringify(message)
        const most = HEADER_BYTES + BYTES_PER_UNIT * text.length
        if (end + most > BATCH_BYTES) flush()
        if (most > BATCH_BYTES) ready = socket.write(frame(text))
        else end = put(batch, end, text)
        if (!ready) {
          await once(socket, 'drain')
          ready = true
        }
      }
      flush()
    },
    receive(take) {
      socket.on('data', unframe(take))
    },
    close: () => socket.destroy(),
  }
}

function put(buffer, start, text) {
  const bytes = buffer.write(text, start + HEADER_BYTES)
  buffer.writeUInt32LE(bytes, start)
  return start + HEADER_BYTES + bytes
}

function frame(text) {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + Buffer.byteLength(text))
  put(buffer, 0, text)
  return buffer
}

/** Answers a function that takes chunks, cut anywhere, and gives each message to `take`. */
function unframe(take) {
  let chunks = []
  let held = 0
  let needed = HEADER_BYTES
  return (chunk) => {
    chunks.push(chunk)
    held += chunk.length
    if (held < needed) return // joined only once all is there, so a long message is copied once
    const data = chunks.length === 1 ? chunk : Buffer.concat(chunks, held)
    let start = 0
    for (;;) {
      needed = HEADER_BYTES
      if (data.length - start < needed) break
      needed += data.readUInt32LE(start)
      if (data.length - start < needed) break
      take(JSON.parse(data.toString('utf8', start + HEADER_BYTES, start + needed)))
      start += needed
    }
    held = data.length - start
    chunks = held === 0 ? [] : [data.subarray(start)]
  }
}
