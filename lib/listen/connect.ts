import { byName, type Ends, type EndsOf, single } from '../channel/named-ends.js'
import { onAbort } from '../core/abort.js'
import { after } from '../core/clock.js'
import { WormholeError } from '../core/errors.js'
import { AbortController, Buffer } from '../core/globals.js'
import { millisecondsOf, signalOf, type WaitOptions } from '../core/options.js'
import { pause } from '../core/pause.js'
import { quiet } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { connect as connectSocket } from '../socket/connect.js'
import { recvmsg } from '../socket/receive.js'
import { sendmsg } from '../socket/send.js'
import { endsFrom, HELLO, MAX_PACKET_BYTES } from './packet.js'

/**
 * Options of `connect`.
 *
 * @example
 * import { type ConnectOptions, connect } from 'wormhole-ipc/listen'
 *
 * const options: ConnectOptions = { timeout: 1000 }
 * const ends = await connect('/tmp/app.sock', options)
 */
export interface ConnectOptions extends WaitOptions {
  /** How many milliseconds to wait for a listener and its answer; then ERR_WORMHOLE_UNREACHABLE. @default Infinity */
  timeout?: number | undefined
}

/** The pauses between attempts, in milliseconds. */
const FIRST_PAUSE_MS = 2
const MAX_PAUSE_MS = 50

/**
 * Connects to a listener and returns the ends that it gives, by name, as `inherited` returns a child's. Waits for a listener
 * that is not there yet, and for another if the one that was there ends before it has answered. The ends need the
 * connection no more; it stays until they are all closed or passed on, so that the listener's `client.gone` tells of that.
 *
 * @param path where the listener listens: a path, or `'@name'` for the abstract namespace
 * @returns a promise that rejects with ERR_WORMHOLE_UNREACHABLE (the timeout), ERR_WORMHOLE_REFUSED, ERR_WORMHOLE_MALFORMED (what
 * listens there is something else), ERR_WORMHOLE_FDS_TRUNCATED, ERR_WORMHOLE_SYSTEM (EACCES: this user may not connect;
 * EPROTOTYPE: a socket of another type), ERR_WORMHOLE_ARGUMENT or the signal's reason
 *
 * @example
 * import type { Receiver } from 'wormhole-ipc'
 * import { connect } from 'wormhole-ipc/listen'
 *
 * const { news } = await connect<{ news: Receiver<string> }>('/tmp/app.sock', { timeout: 5000 })
 * for await (const line of news) console.log(line)
 */
export function connect<C extends EndsOf<C> = Ends>(path: string, options: ConnectOptions = {}): Promise<C> {
  return quiet(reach<C>(path, options))
}

async function reach<C extends EndsOf<C>>(path: string, options: ConnectOptions): Promise<C> {
  const signal = signalOf(options, 'connect')
  const timeout = millisecondsOf(options?.timeout)
  signal?.throwIfAborted()
  const waiting = new Attempts(path)
  const stop = signal === undefined ? undefined : onAbort(signal, () => waiting.end(signal.reason))
  const cancel = after(timeout, () => waiting.end(waiting.unreachable(timeout)))
  try {
    return byName<C>(await waiting.succeed())
  } finally {
    cancel()
    stop?.()
  }
}

/** The attempts of one call. */
class Attempts {
  readonly #path: string
  readonly #ending = new AbortController()
  /** Why it still waits. */
  #last = 'nobody listens there'

  constructor(path: string) {
    this.#path = path
  }

  end(reason: unknown): void {
    this.#ending.abort(reason)
  }

  unreachable(timeout: number): WormholeError {
    return new WormholeError(
      'ERR_WORMHOLE_UNREACHABLE',
      `no listener at ${this.#path} has given ends within ${timeout} ms: ${this.#last}`
    )
  }

  async succeed(): Promise<Ends> {
    const { signal } = this.#ending
    for (let milliseconds = FIRST_PAUSE_MS; ; milliseconds = Math.min(2 * milliseconds, MAX_PAUSE_MS)) {
      const ends = await this.#attempt()
      if (ends !== undefined) return ends
      await pause(milliseconds, signal)
    }
  }

  /** Resolves to undefined if a later attempt may succeed. */
  async #attempt(): Promise<Ends | undefined> {
    const { signal } = this.#ending
    let connection: OwnedFd
    try {
      connection = await connectSocket(this.#path, { type: 'seqpacket', signal })
    } catch (error) {
      const { errno } = error as { errno?: number }
      if (errno !== socket.ENOENT && errno !== socket.ECONNREFUSED) throw error
      this.#last = 'nobody listens there'
      return undefined
    }
    try {
      this.#last = 'the listener that is there has not answered'
      await sendmsg(connection, HELLO, [], { signal }).catch(passing)
      const ends = await this.#answer(connection)
      if (ends !== undefined) keep(connection, ends)
      else connection.close()
      return ends
    } catch (error) {
      connection.close()
      throw error
    }
  }

  async #answer(connection: OwnedFd): Promise<Ends | undefined> {
    const buffer = Buffer.allocUnsafe(MAX_PACKET_BYTES)
    for (;;) {
      try {
        const { bytes, fds, truncated, fdsTruncated, end } = await recvmsg(connection, buffer, {
          signal: this.#ending.signal,
        })
        if (end) break
        if (fdsTruncated) {
          for (const fd of fds) fd.close()
          throw new WormholeError(
            'ERR_WORMHOLE_FDS_TRUNCATED',
            `the kernel dropped ends that the listener at ${this.#path} gave: this process may not open more descriptors`
          )
        }
        return endsFrom(truncated ? '' : buffer.toString('utf8', 0, bytes), fds, this.#path)
      } catch (error) {
        // The listener has closed with our word unread; what it has sent comes after that.
        passing(error)
      }
    }
    this.#last = 'a listener was there and ended without an answer'
    return undefined
  }
}

/** Throws an error again unless it says that the other side is gone. */
function passing(error: unknown): void {
  const { errno } = error as { errno?: number }
  if (errno !== socket.ECONNRESET && errno !== socket.EPIPE) throw error
}

/** Closes the connection once none of the ends is held here any more. */
function keep(connection: OwnedFd, ends: Ends): void {
  const all = single(ends)
  let held = all.length
  if (held === 0) connection.close()
  for (const [, end] of all) {
    end.descriptor.left = () => {
      held--
      if (held === 0) connection.close()
    }
  }
}
