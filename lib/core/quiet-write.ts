import type { Writable } from 'node:stream'

/**
 * Writes to a stream that is not ours, as Node's `console` does: a failure (its reader is gone) is no uncaught error of
 * the process, but reaches the stream's own error listeners.
 */
export function writeQuietly(stream: Writable, text: string | Uint8Array): void {
  stream.once('error', ignore)
  try {
    stream.write(text, (error) => {
      // The event follows.
      if (error && stream.listenerCount('error') === 0) stream.once('error', ignore)
    })
  } catch {
    // The user's stream may throw instead.
  } finally {
    stream.removeListener('error', ignore)
  }
}

function ignore(): void {}
