// Lines of JSON over a Unix net.Socket. Many lines a write: each write is a system call, and what is joined to one string
// costs one. A write that returns false is followed by a wait for 'drain', as the documentation of streams asks.
import { once } from 'node:events'
import { overSockets } from './shared/unix-socket.mjs'

const BATCH_CHARACTERS = 64 * 1024

/** @type {import('./driver.mjs').Driver} */
export default {
  title: 'NDJSON over net.Socket',
  promise: 'kernel',
  does: ['stream', 'link', 'pair'],
  ...overSockets(link),
}

/** @param {import('node:net').Socket} socket */
function link(socket) {
  return {
    send: (message) =>
      new Promise((resolve, reject) =>
        socket.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve(undefined)))
      ),
    async sendAll(messages) {
      let batch = ''
      for (const message of messages) {
        batch += `${JSON.stringify(message)}\n`
        if (batch.length < BATCH_CHARACTERS) continue
        const ready = socket.write(batch)
        batch = ''
        if (!ready) await once(socket, 'drain')
      }
      if (batch !== '') socket.write(batch)
    },
    receive(take) {
      const rest = []
      socket.setEncoding('utf8').on('data', (/** @type {any} */ chunk) => {
        const lines = chunk.split('\n')
        const last = lines.pop()
        for (const line of lines) {
          rest.push(line)
          take(JSON.parse(rest.length === 1 ? line : rest.join('')))
          rest.length = 0
        }
        if (last !== '') rest.push(last)
      })
    },
    close: () => socket.destroy(),
  }
}
