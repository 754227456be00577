import type { Writable } from 'node:stream'

/** What a stream needs of a sender. */
interface SendingEnd<T> {
  send(message: T): Promise<void>
  sendAll(messages: Iterable<T>): Promise<number>
  flush(): Promise<void>
  close(): void
}

/** Makes an object-mode stream whose chunks are messages of `sender`. */
export function writableOf<T>(sender: SendingEnd<T>): Writable {
  const { Writable } = process.getBuiltinModule('node:stream')
  return new Writable({
    objectMode: true,
    write(message: T, _encoding, done) {
      attempt(() => sender.send(message), done)
    },
    writev(chunks, done) {
      attempt(() => sender.sendAll(chunks.map(({ chunk }) => chunk as T)), done)
    },
    final(done) {
      sender.close()
      attempt(() => sender.flush(), done)
    },
    destroy(error, done) {
      sender.close()
      done(error)
    },
  })
}

function attempt(operation: () => Promise<unknown>, done: (error?: Error | null) => void): void {
  try {
    operation().then(() => done(), done)
  } catch (error) {
    done(error as Error)
  }
}
