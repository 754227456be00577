import { onAbort } from './abort.js'
import { after } from './clock.js'
import { Promise } from './globals.js'

/** Resolves after some milliseconds, and keeps the process alive until then; rejects with the reason of `signal`. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const stop = signal === undefined ? undefined : onAbort(signal, () => end(() => reject(signal.reason)))
    const cancel = after(milliseconds, () => end(resolve))
    const end = (settle: () => void) => {
      cancel()
      stop?.()
      settle()
    }
  })
}
