import type { Writable } from 'node:stream'

/** Where a stream's chunks go. */
export interface MessageSink {
  /** Accepts a message; a promise says to wait before the next. */
  write(message: unknown): Promise<unknown> | undefined
  writeAll(messages: readonly unknown[]): Promise<unknown>
  /** Resolves once all that was accepted is sent. */
  flush(): Promise<void>
  close(): void
}

/**
 * Makes an object-mode stream whose chunks are messages.
 *
 * @param sinkOf gets a function that fails the stream, for a message that was accepted and then not sent
 */
export function writableOf(sinkOf: (fail: (error: unknown) => void) => MessageSink): Writable {
  const { Writable } = process.getBuiltinModule('node:stream')
  const sink = sinkOf((error) => stream.destroy(error as Error))
  const stream = new Writable({
    objectMode: true,
    write(message: unknown, _encoding, done) {
      attempt(() => sink.write(message), done)
    },
    writev(chunks, done) {
      attempt(() => sink.writeAll(chunks.map(({ chunk }) => chunk)), done)
    },
    final(done) {
      sink.close()
      attempt(() => sink.flush(), done)
    },
    destroy(error, done) {
      sink.close()
      done(error)
    },
  })
  return stream
}

/** Calls `done` after an operation: within this call, unless it has to be waited for. */
function attempt(operation: () => Promise<unknown> | undefined, done: (error?: Error | null) => void): void {
  let wait: Promise<unknown> | undefined
  try {
    wait = operation()
  } catch (error) {
    done(error as Error)
    return
  }
  if (wait === undefined) done()
  else wait.then(() => done(), done)
}
