import { type Ends, type EndsOf, requireEnds, single } from '../channel/named-ends.js'
import { describe } from '../core/describe.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { Promise } from '../core/globals.js'
import { quiet } from '../core/promises.js'
import { knownPeer } from '../os/peer.js'
import { unwatchNow, watch } from '../os/poller.js'
import * as socket from '../os/syscalls.js'
import { sendmsg } from '../socket/send.js'
import { INBOX_BYTES, inbox } from '../wire/inbox.js'
import { alongWith, giving, refusing } from './packet.js'

/**
 * A process that has connected to a listener and waits for ends: answer it with `give` or `refuse`.
 *
 * @example
 * import type { Client } from 'wormhole-ipc/listen'
 *
 * const isMine = (client: Client) => client.credentials.uid === process.getuid?.()
 * for await (const client of listener) {
 *   if (isMine(client)) await client.give({ jobs: receiver.clone() })
 *   else await client.refuse('not your daemon')
 * }
 */
export interface Client {
  /**
   * The client's process, user and group, as the kernel recorded them when it connected. Reading this throws
   * ERR_WORMHOLE_BAD_FD if the kernel cannot name them here (a process of another PID or user namespace).
   */
  readonly credentials: { pid: number; uid: number; gid: number }
  /**
   * Resolves once the client's process is gone, or has closed or passed on all that it was given here. From the first
   * reading of it on, it keeps this process alive, unless the listener was `unref`ed.
   */
  readonly gone: Promise<void>
  /**
   * Gives the client these ends, by the names under which its `connect` finds them. They are moved: closed here once the
   * kernel has them. Pass `end.clone()` to keep one. They keep `coalesce` and `maxMessageBytes`, but no `schema`. If the
   * call fails, they are as before.
   *
   * @returns a promise that rejects with ERR_WORMHOLE_DISCONNECTED (the client is gone), ERR_WORMHOLE_TOO_MANY_FDS (more than
   * 253 ends, of which a link has two), ERR_WORMHOLE_PENDING, ERR_WORMHOLE_CLOSED (an end cannot be moved, or the client was
   * answered before), ERR_WORMHOLE_ARGUMENT or ERR_WORMHOLE_SYSTEM
   */
  give<T extends EndsOf<T> = Ends>(channels: T): Promise<void>
  /**
   * Makes the client's `connect` reject with ERR_WORMHOLE_REFUSED and this reason.
   *
   * @returns a promise that rejects with ERR_WORMHOLE_DISCONNECTED, ERR_WORMHOLE_CLOSED (the client was answered before) or
   * ERR_WORMHOLE_ARGUMENT
   */
  refuse(reason: string): Promise<void>
}

/** What a listener knows of a connection. */
export interface Keeper {
  readonly keepsAlive: boolean
  /** A connection that was silent has said something, or one is gone. */
  changed(connection: Connection): void
}

/** One connection to a listener, from its acceptance until the client is gone. */
export class Connection implements Client {
  /** The process that has connected; 0 if it is not visible here. */
  readonly pid: number
  /** Owned by this object; -1 once the client is gone. */
  #fd: number
  readonly #keeper: Keeper
  #peer: Peer | undefined
  /** Whether the client has been seen to say something. */
  #hasSpoken = false
  #answered = false
  #gone: Promise<void> | undefined
  #resolve: (() => void) | undefined

  constructor(fd: number, keeper: Keeper) {
    this.#fd = fd
    this.pid = socket.recordedPeer(fd).pid
    this.#keeper = keeper
    this.#watch()
  }

  get isGone(): boolean {
    return this.#fd < 0
  }

  /** Whether the client has said something, whatever it was. */
  get hasSpoken(): boolean {
    if (!this.#hasSpoken && this.#fd >= 0) this.#hasSpoken = socket.unread(this.#fd) > 0
    return this.#hasSpoken
  }

  get credentials(): { pid: number; uid: number; gid: number } {
    const peer = this.#peer as Peer
    if ('error' in peer) throw peer.error
    return peer
  }

  /** Reads the credentials, when it is handed out: later the socket may be closed, as the client is gone. */
  identify(): void {
    this.#peer = peerOf(this.#fd)
  }

  get gone(): Promise<void> {
    this.#gone ??= new Promise((resolve) => {
      this.#resolve = resolve
    })
    if (this.isGone) this.#resolve?.()
    else this.#watch()
    return this.#gone
  }

  give<T extends EndsOf<T> = Ends>(channels: T): Promise<void> {
    return quiet(this.#give(channels as Ends))
  }

  refuse(reason: string): Promise<void> {
    return quiet(this.#refuse(reason))
  }

  /** Called when the socket is ready: the client has spoken, or is gone. */
  onReady(): void {
    if (socket.hungUp(this.#fd)) {
      this.end()
    } else {
      // Also an empty packet, of which no bytes are queued.
      this.#hasSpoken = true
      this.#watch()
    }
    this.#keeper.changed(this)
  }

  onFailure(): void {
    this.end()
    this.#keeper.changed(this)
  }

  /** Ends it, from this side if the client is not gone. */
  end(): void {
    if (this.isGone) return
    const fd = this.#fd
    this.#fd = -1
    unwatchNow(fd)
    socket.close(fd)
    this.#resolve?.()
  }

  /** Applies a changed `keepsAlive` of the listener, or that it is awaited. */
  rewatch(): void {
    if (!this.isGone) this.#watch()
  }

  async #give(channels: Ends): Promise<void> {
    this.#assertOpen()
    if (channels === null || typeof channels !== 'object') {
      throw argumentError(`give(): the channels are an object of ends by name, not ${describe(channels)}`)
    }
    requireEnds(single(channels))
    await this.#answer(giving(channels), alongWith(channels))
  }

  async #refuse(reason: string): Promise<void> {
    this.#assertOpen()
    if (typeof reason !== 'string') throw argumentError(`refuse(): the reason is a string, not ${describe(reason)}`)
    await this.#answer(refusing(reason), [])
    this.end()
    this.#keeper.changed(this)
  }

  async #answer(bytes: Uint8Array, ends: ReturnType<typeof alongWith>): Promise<void> {
    this.#answered = true
    try {
      this.#readHello()
      await sendmsg(this.#fd, bytes, ends)
    } catch (error) {
      this.#answered = false
      throw this.isGone || isGone(error) ? goneError(error) : error
    }
  }

  /** Takes the client's first packet: if it stayed unread, the end of the connection would read as ECONNRESET there. */
  #readHello(): void {
    const { length, fds } = socket.receive(this.#fd, inbox, INBOX_BYTES)
    if (length >= 0) this.#hasSpoken = true
    socket.closeAll(fds ?? [])
  }

  #assertOpen(): void {
    if (this.#answered) {
      throw new WormholeError('ERR_WORMHOLE_CLOSED', 'this client was answered already: give() or refuse() it once')
    }
    if (this.isGone) throw goneError()
  }

  /** Watches for what it waits for: a first word only until it has come, so that what a client says costs nothing. */
  #watch(): void {
    const events = this.#hasSpoken ? socket.POLLHUP : socket.POLLHUP | socket.POLLIN
    watch(this.#fd, events, this, this.#gone !== undefined && this.#keeper.keepsAlive)
  }
}

type Peer = Client['credentials'] | { error: unknown }

function peerOf(fd: number): Peer {
  try {
    return knownPeer(fd)
  } catch (error) {
    return { error }
  }
}

function isGone(error: unknown): boolean {
  const { errno } = error as { errno?: number }
  return errno === socket.EPIPE || errno === socket.ECONNRESET
}

function goneError(cause?: unknown): WormholeError {
  return new WormholeError('ERR_WORMHOLE_DISCONNECTED', 'the client is gone', cause === undefined ? {} : { cause })
}
