import { WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { quiet } from '../core/promises.js'
import type { NatsConnection } from './client-types.js'

/** Is told of what becomes of a connection. */
export interface ConnectionListener {
  /** It is there again after an outage: the server has forgotten requests that waited. */
  reconnected(): void
  /** It is closed for good. */
  closed(error: WormholeError): void
  /** The account may not publish to `subject`. */
  denied?(error: unknown, subject: string): void
}

/** Follows the state of one connection, for all ends that use it. */
class ConnectionWatch {
  readonly #listeners = new Set<ConnectionListener>()
  error: WormholeError | null = null
  /** Resolves once `error` says that the connection is closed for good. */
  readonly ended: Promise<void>

  constructor(connection: NatsConnection) {
    this.ended = connection.closed().then((cause) => this.#end(cause))
    void this.#follow(connection).catch(() => undefined)
  }

  add(listener: ConnectionListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type, error } of connection.status()) {
      const { operation, subject } = (error ?? {}) as { operation?: unknown; subject?: unknown }
      for (const listener of [...this.#listeners]) {
        if (type === 'reconnect') listener.reconnected()
        else if (type === 'error' && operation === 'publish') listener.denied?.(error, String(subject))
      }
    }
  }

  #end(cause: unknown): void {
    if (this.error !== null) return
    const details = cause === undefined || cause === null ? {} : { cause }
    this.error = new WormholeError('ERR_WORMHOLE_DISCONNECTED', 'the connection to the server is closed', details)
    for (const listener of [...this.#listeners]) listener.closed(this.error)
    this.#listeners.clear()
  }
}

const watches = new WeakMap<NatsConnection, ConnectionWatch>()

export type { ConnectionWatch }

export function watchOf(connection: NatsConnection): ConnectionWatch {
  const known = watches.get(connection)
  if (known !== undefined) return known
  const watch = new ConnectionWatch(connection)
  watches.set(connection, watch)
  return watch
}

/** Why `unlessInterrupted` rejects early. */
const INTERRUPTED = 'the connection was lost'

/** Resolves to what `request` does, which is made again after each interruption. */
export async function acrossInterruptions<Value>(
  watch: ConnectionWatch,
  request: () => Promise<Value>
): Promise<Value> {
  for (;;) {
    try {
      return await unlessInterrupted(watch, request())
    } catch (error) {
      if ((error as Error).message !== INTERRUPTED) throw error
    }
  }
}

/** Resolves to what `request` does; rejects early if the connection is there again, as the request may be lost, or is closed. */
export function unlessInterrupted<Value>(watch: ConnectionWatch, request: Promise<Value>): Promise<Value> {
  if (watch.error !== null) {
    void quiet(request)
    return Promise.reject(watch.error)
  }
  return new Promise((resolve, reject) => {
    const stop = watch.add({
      reconnected: () => reject(new Error(INTERRUPTED)),
      closed: (error) => reject(error),
    })
    request.then(resolve, reject).finally(stop)
  })
}
