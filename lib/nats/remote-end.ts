import { closedError, WormholeError } from '../core/errors.js'
import { closed, newCounters, opened } from '../core/telemetry.js'
import { type EndState, GIVEN_UP, type Life, OPEN } from '../fd/end-context.js'
import type { RemoteSettings } from './options.js'
import type { Remote } from './remote.js'

/** The base of both ends of a remote channel. */
export abstract class RemoteEnd implements EndState, AsyncDisposable {
  /** @internal */
  readonly remote: Remote
  /** @internal */
  readonly settings: RemoteSettings
  /** @internal */
  readonly counters = newCounters()
  /** @internal */
  life: Life = OPEN
  /** @internal */
  readonly keepsAlive = true
  #closing: Promise<void> | undefined

  /** @internal */
  protected constructor(remote: Remote) {
    this.remote = remote
    this.settings = remote.settings
    opened(this)
  }

  /** The name of the channel. */
  get name(): string {
    return this.remote.name
  }

  /** Always -1: a remote end has no descriptor. */
  get fd(): -1 {
    return -1
  }

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.life === GIVEN_UP
  }

  /**
   * Closes this end; the stream, and what it holds, stays. A second call returns the first one's promise.
   *
   * @example
   * await todo.close()
   */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      this.life = GIVEN_UP
      this.#closing = this.shut()
      closed(this, -1, 'closed')
    }
    return this.#closing
  }

  /**
   * Calls `close()`, at the end of a block with `await using`.
   *
   * @example
   * import { natsSender } from 'wormhole-ipc/nats'
   *
   * await using jobs = await natsSender<{ id: number }>(connection, 'jobs')
   * await jobs.send({ id: 1 })
   */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Throws ERR_WORMHOLE_UNSERIALIZABLE: an end cannot be part of a message.
   *
   * @example
   * await done.send({ id: 1 }) // not done.send({ id: 1, todo })
   */
  toJSON(): never {
    throw new WormholeError(
      'ERR_WORMHOLE_UNSERIALIZABLE',
      `a ${this.constructor.name} cannot be part of a message: send its name, and open it there`
    )
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: open another end of the same name instead.
   *
   * @example
   * import { natsReceiver } from 'wormhole-ipc/nats'
   *
   * const other = await natsReceiver(connection, todo.name)
   */
  clone(): never {
    return this.unsupported('clone', 'open another end of the same name')
  }

  /**
   * Throws ERR_WORMHOLE_UNSUPPORTED: there is no descriptor.
   *
   * @example
   * import { natsReceiver } from 'wormhole-ipc/nats'
   *
   * const there = await natsReceiver(connection, todo.name) // in the thread that needs it, with its own connection
   */
  detach(): never {
    return this.unsupported('detach', 'open another end of the same name where it is needed')
  }

  /** Throws ERR_WORMHOLE_CLOSED if this end was closed. @internal */
  assertUsable(): void {
    if (this.life === GIVEN_UP) throw closedError(this.constructor.name)
  }

  /** @internal */
  protected abstract shut(): Promise<void>

  /** @internal */
  protected unsupported(call: string, instead: string): never {
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      `${call}() is for channels on one machine, as "${this.name}" has no descriptor or kernel here: ${instead}`
    )
  }
}

/** What to use for descriptors. */
export const INSTEAD_OF_FDS = 'send the data, or a name for it that the other side can open'
