import type { Link } from '../channel/link.js'
import { onAbort } from '../core/abort.js'
import { argumentError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { signalOf } from '../core/options.js'
import { assertLink } from './caller.js'
import { Connection } from './connection.js'
import type { Handler } from './serving.js'

/**
 * Options of `serve`.
 *
 * @example
 * import { type ServeOptions, serve } from 'wormhole-ipc/calls'
 *
 * const options: ServeOptions = { concurrency: 4, signal: AbortSignal.timeout(60_000) }
 * await serve(link, { double: (n: number) => 2 * n }, options)
 */
export interface ServeOptions {
  /**
   * Handlers that may run at the same time. Further calls wait on the other side. A call that the other side makes
   * within a call of ours does not count, as ours waits for it. @default Infinity
   */
  concurrency?: number | undefined
  /** Stops serving: no more handlers start, the signals of those that run abort, and `serve` resolves. */
  signal?: AbortSignal | undefined
}

/**
 * Answers the other side's calls with these handlers, until the link ends or `signal` aborts. A handler is a
 * function `(input, context) => output`, or one that promises the output; only the object's own properties are called.
 * What a handler throws goes to its caller. When the other side is gone, the signals of handlers that run abort.
 *
 * @returns resolves once serving has ended; rejects with ERR_WORMHOLE_ARGUMENT or ERR_WORMHOLE_CLOSED
 *
 * @example
 * import { type CallContext, serve } from 'wormhole-ipc/calls'
 *
 * export const handlers = {
 *   double: (n: number) => 2 * n,
 *   wait: (ms: number, { signal }: CallContext) => new Promise((resolve) => {
 *     const timer = setTimeout(resolve, ms)
 *     signal.addEventListener('abort', () => clearTimeout(timer))
 *   }),
 * }
 * await serve(link, handlers)
 */
export async function serve<Handlers extends object>(
  link: Link,
  handlers: Handlers,
  options: ServeOptions = {}
): Promise<void> {
  assertLink(link)
  const { concurrency = Number.POSITIVE_INFINITY } = options
  if (typeof handlers !== 'object' || handlers === null) throw argumentError('handlers must be an object of functions')
  if (concurrency !== Number.POSITIVE_INFINITY && !(Number.isInteger(concurrency) && concurrency > 0)) {
    throw argumentError('concurrency must be a whole number from 1, or Infinity')
  }
  const signal = signalOf(options, 'serve')
  if (signal?.aborted) return
  const connection = Connection.of(link)
  const { serving } = connection
  if (serving.active) throw argumentError('this link is served already')
  connection.start()
  serving.begin({ handlers: handlers as Record<string, Handler>, concurrency })
  connection.keepAlive()
  await new Promise<void>((resolve) => {
    const stop =
      signal === undefined
        ? undefined
        : onAbort(signal, () => {
            serving.stop(signal.reason)
            connection.idle()
            resolve()
          })
    connection.onEnd(() => {
      stop?.()
      resolve()
    })
  })
}
