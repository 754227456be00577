import type { Writable } from 'node:stream'

/**
 * Writes to a stream that is not ours. Should that fail, as its reader is gone, it is no uncaught error of the
 * process; who listens for the stream's errors hears of it. As Node's `console` does.
 */
export function writeQuietly(stream: Writable, text: string | Uint8Array): void {
  stream.once('error', ignore)
  try {
    stream.write(text, (error) => {
      // The event follows.
      if (error && stream.listenerCount('error') === 0) stream.once('error', ignore)
    })
  } catch {
    // A stream of the caller's that throws instead.
  } finally {
    stream.removeListener('error', ignore)
  }
}

function ignore(): void {}
