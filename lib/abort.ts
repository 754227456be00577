const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `callback` when `signal` aborts, until the returned function is called. However many calls wait on
 * one signal, it has one listener: so neither a leak nor Node's MaxListenersExceededWarning.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiting = callbacks.get(signal)
  if (waiting === undefined) {
    const fresh = new Set<() => void>()
    waiting = fresh
    callbacks.set(signal, fresh)
    signal.addEventListener(
      'abort',
      () => {
        callbacks.delete(signal)
        for (const call of [...fresh]) call()
      },
      { once: true }
    )
  }
  const set = waiting
  set.add(callback)
  return () => void set.delete(callback)
}
