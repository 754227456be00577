import { onAbort } from '../core/abort.js'
import { closedError } from '../core/errors.js'
import { AbortController, Promise } from '../core/globals.js'
import { signalOf, type WaitOptions } from '../core/options.js'
import { quiet, rejected } from '../core/promises.js'
import type { Bound } from '../socket/listen.js'
import { unlinkIfSame } from '../socket/path.js'
import type { Client } from './client.js'
import { Reception } from './reception.js'

/**
 * What `listen` returns: a socket to which other processes `connect`. Iterate over it, or call `accept`, to answer them.
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 * import { listen } from 'wormhole-ipc/listen'
 *
 * await using listener = await listen('/tmp/app.sock')
 * for await (const client of listener) {
 *   const [sender, jobs] = channel<{ id: number }>()
 *   await client.give({ jobs })
 *   await sender.send({ id: client.credentials.pid })
 *   sender.close()
 * }
 */
export class Listener implements AsyncIterable<Client>, AsyncDisposable {
  static {
    // Errors and traces print it, and bundlers rename classes.
    Object.defineProperty(Listener, 'name', { value: 'Listener' })
  }

  /** The path or `'@name'`; undefined if the socket came as a descriptor and has none. */
  readonly path: string | undefined

  readonly #reception: Reception
  readonly #file: Bound['file']
  /** Stops listening to the signal. */
  readonly #stop: (() => void) | undefined

  /** Not for callers: use `listen`. @internal */
  constructor({ socket, file }: Bound, path: string | undefined, isOurs: boolean, signal: AbortSignal | undefined) {
    this.#reception = new Reception(socket, isOurs)
    this.#file = file
    this.path = path
    this.#stop = signal && onAbort(signal, () => this.close())
  }

  /**
   * Waits for the next client. Those that have said what our `connect` says come first; of those that have said nothing,
   * 64 at most are served at the same time, 16 of one process, and 256 more wait here.
   *
   * @param options `signal` ends the wait; the client goes to the next call
   * @returns a promise that rejects with ERR_WORMHOLE_CLOSED, ERR_WORMHOLE_SYSTEM, ERR_WORMHOLE_ARGUMENT or the signal's reason
   *
   * @example
   * const client = await listener.accept({ signal: AbortSignal.timeout(1000) })
   * await client.refuse(`not for user ${client.credentials.uid}`)
   */
  accept(options?: WaitOptions): Promise<Client> {
    try {
      const signal = signalOf(options, 'accept')
      signal?.throwIfAborted()
      if (this.#reception.isClosed) throw closedError('Listener')
      return quiet(this.#reception.accept(signal))
    } catch (error) {
      return rejected(error)
    }
  }

  /**
   * Stops listening: waiting `accept` calls reject with ERR_WORMHOLE_CLOSED, iterations end, and clients that were not
   * handed out so far look for the next listener. The path is removed if it is still this listener's. Clients that were
   * handed out, and the ends that they were given, are not concerned.
   *
   * @example
   * process.once('SIGTERM', () => listener.close())
   */
  close(): void {
    if (this.#reception.isClosed) return
    this.#stop?.()
    // Before the socket is closed, so that no client finds a path at which nobody listens.
    if (this.path !== undefined && this.#file !== undefined) unlinkIfSame(this.path, this.#file)
    this.#reception.close()
  }

  /**
   * Lets the process end although `accept` waits, or a client's `gone`.
   *
   * @example
   * listener.unref()
   */
  unref(): this {
    this.#reception.keepsAlive = false
    return this
  }

  /**
   * Undoes `unref`: a waiting `accept` keeps the process alive, which is the default.
   *
   * @example
   * listener.unref().ref() // as it was
   */
  ref(): this {
    this.#reception.keepsAlive = true
    return this
  }

  /**
   * Iterates over the clients until `close()`. Leaving the iteration does not close the listener.
   *
   * @example
   * for await (const client of listener) await client.refuse('closed for today')
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Client> {
    const leaving = new AbortController()
    const done: IteratorResult<Client> = { done: true, value: undefined }
    const iterator: AsyncIterableIterator<Client> = {
      next: () =>
        this.accept({ signal: leaving.signal }).then(
          (value) => ({ done: false, value }),
          (error: unknown) => {
            if (this.#reception.isClosed || leaving.signal.aborted) return done
            throw error
          }
        ),
      return: () => {
        leaving.abort()
        return Promise.resolve(done)
      },
      [Symbol.asyncIterator]: () => iterator,
    }
    return iterator
  }

  /**
   * Calls `close()` at the end of a block with `await using`.
   *
   * @example
   * import { listen } from 'wormhole-ipc/listen'
   *
   * await using listener = await listen('@example')
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}
