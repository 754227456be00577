import { AbortController } from './globals.js'

interface Listening {
  callbacks: Set<() => void>
  listener: () => void
}

const listening = new WeakMap<AbortSignal, Listening>()

/**
 * Calls `callback` when `signal` aborts, until the returned function is called. All waits on one signal share one listener
 * (no MaxListenersExceededWarning), which is removed with the last: Node keeps composite and timeout signals that have one.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks } = listening.get(signal) ?? listen(signal)
  callbacks.add(callback)
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return
    const current = listening.get(signal)
    if (current?.callbacks !== callbacks) return
    signal.removeEventListener('abort', current.listener)
    listening.delete(signal)
  }
}

function listen(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>()
  const listener = () => {
    listening.delete(signal)
    for (const call of callbacks) call()
  }
  const fresh = { callbacks, listener }
  listening.set(signal, fresh)
  signal.addEventListener('abort', listener, { once: true })
  return fresh
}

/** By a signal that lacks reasons: the signal of this realm that follows it. */
const wholes = new WeakMap<AbortSignal, AbortSignal>()

/** Returns the signal, or one that follows it if it comes from a library whose signals have no reasons. */
export function wholeSignal(signal: AbortSignal): AbortSignal {
  if ('reason' in signal && typeof signal.throwIfAborted === 'function') return signal
  const known = wholes.get(signal)
  if (known !== undefined) return known
  const following = new AbortController()
  const { reason } = signal as { reason?: unknown }
  if ((signal as AbortSignal).aborted) following.abort(reason)
  else onAbort(signal, () => following.abort((signal as { reason?: unknown }).reason))
  wholes.set(signal, following.signal)
  return following.signal
}
