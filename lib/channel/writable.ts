import type { Writable } from 'node:stream'
import { MessageWriter } from '../send/message-writer.js'
import type { SendQueue } from '../send/send-queue.js'

/** Makes an object-mode stream whose chunks are messages of a sender. `close` closes the sender. */
export function writableOf(queue: SendQueue, assertUsable: () => void, close: () => void): Writable {
  const { Writable } = process.getBuiltinModule('node:stream')
  const writer = new MessageWriter(queue, (error) => stream.destroy(error as Error))
  const stream = new Writable({
    objectMode: true,
    write(message: unknown, _encoding, done) {
      attempt(() => {
        assertUsable()
        return writer.write(message)
      }, done)
    },
    writev(chunks, done) {
      attempt(() => {
        assertUsable()
        return writer.writeAll(chunks.map(({ chunk }) => chunk))
      }, done)
    },
    final(done) {
      close()
      attempt(() => writer.flush(), done)
    },
    destroy(error, done) {
      close()
      done(error)
    },
  })
  return stream
}

/** Calls `done` after an operation: within this call, unless it has to be waited for. */
function attempt(operation: () => Promise<void> | undefined, done: (error?: Error | null) => void): void {
  let wait: Promise<void> | undefined
  try {
    wait = operation()
  } catch (error) {
    done(error as Error)
    return
  }
  if (wait === undefined) done()
  else wait.then(() => done(), done)
}
