import { closedError, disconnectedError, notJson, WormholeError } from '../core/errors.js'
import type { Settings } from '../core/options.js'
import { closed, type EndpointStats, moved, newCounters } from '../core/telemetry.js'
import { Descriptor, type DescriptorOwner, kDescriptor, kEndWaits, kMoveEnded } from '../fd/descriptor.js'
import { GIVEN_UP, type Life, OPEN, OVER } from '../fd/end-context.js'
import { startPolling } from '../os/poller.js'
import * as socket from '../os/syscalls.js'

/** The base of both ends of a channel: the owner of one socket. */
export abstract class Endpoint implements DescriptorOwner, Disposable {
  /** @internal */
  readonly descriptor: Descriptor
  /** @internal */
  readonly settings: Settings
  /** @internal */
  readonly counters = newCounters()
  /** @internal */
  life: Life = OPEN
  /** @internal */
  keepsAlive = true

  /** @internal */
  protected constructor(fd: number, settings: Settings) {
    this.descriptor = new Descriptor(fd)
    this.settings = settings
    this.descriptor.guard(this, true)
    startPolling()
  }

  /** The descriptor's number while this end owns it; -1 afterwards. */
  get fd(): number {
    return this.descriptor.fd
  }

  /** The options that the two ends of a channel share. @internal */
  get limits(): { coalesce: boolean; maxMessageBytes: number } {
    const { coalesce, maxMessageBytes } = this.settings
    return { coalesce, maxMessageBytes }
  }

  /** Whether this end was closed, detached or moved; not whether the other end is still there. */
  get closed(): boolean {
    return this.life === GIVEN_UP
  }

  /**
   * Releases the descriptor, still open, and returns its number: for another thread of this process (`fromFd` there) or a
   * child's `stdio`. This end is closed afterwards. Its options do not go with the descriptor: pass them to `fromFd` again.
   *
   * @throws ERR_WORMHOLE_PENDING if this end holds messages that would be lost, ERR_WORMHOLE_CLOSED,
   * ERR_WORMHOLE_DISCONNECTED
   *
   * @example
   * import { Worker } from 'node:worker_threads'
   *
   * const fd = receiver.detach()
   * new Worker('./reader.js', { workerData: { fd } }) // there: Receiver.fromFd(workerData.fd)
   */
  detach(): number {
    const descriptor = this[kDescriptor]('detach')
    this.life = GIVEN_UP
    this.endWaits()
    const fd = descriptor.release()
    moved(this, fd, 'caller')
    return fd
  }

  /**
   * Lets the process exit even if something waits on this end.
   *
   * @example
   * receiver.unref()
   * void receiver.recv().then(handle) // the process may end before
   */
  unref(): this {
    this.#keepAlive(false)
    return this
  }

  /**
   * Undoes `unref`: a wait on this end keeps the process alive, which is the default.
   *
   * @example
   * receiver.unref().ref() // as it was
   */
  ref(): this {
    this.#keepAlive(true)
    return this
  }

  /**
   * Throws ERR_WORMHOLE_UNSERIALIZABLE: an end cannot be part of a message, only go along with one (`sendWithFds`).
   *
   * @example
   * await sender.sendWithFds({ id: 1 }, [receiver]) // not sender.send({ id: 1, receiver })
   */
  toJSON(): never {
    throw notJson(this.constructor.name)
  }

  /** Closes this end. */
  abstract close(): void

  /** Returns counts of what this end has done so far. */
  abstract stats(): EndpointStats

  /**
   * Calls `close()`, at the end of a block with `using`.
   *
   * @example
   * using last = sender.clone() // closed at the end of its block
   * await last.send({ id: 1 })
   */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Returns the descriptor, to be moved; not for callers. @hidden */
  [kDescriptor](action: string): Descriptor {
    this.assertUsable()
    if (this.life === OVER) throw disconnectedError(this.constructor.name)
    const held = this.held()
    if (held > 0) {
      throw new WormholeError(
        'ERR_WORMHOLE_PENDING',
        `cannot ${action} this ${this.constructor.name}: it holds ${held} message${held === 1 ? '' : 's'} that would be lost`
      )
    }
    return this.descriptor
  }

  /** Called before the descriptor is moved; not for callers. @hidden */
  [kEndWaits](): void {
    socket.leave(this.fd)
    this.endWaits()
  }

  /** Called after the descriptor was moved; not for callers. @hidden */
  [kMoveEnded](fd: number, to: 'message' | 'child' | null): void {
    if (this.descriptor.fd < 0 && this.life === OPEN) this.life = GIVEN_UP
    if (to !== null) moved(this, fd, to)
    else if (this.descriptor.fd < 0) closed(this, fd, 'closed')
  }

  /** Duplicates the descriptor for `clone()`. @internal */
  protected duplicate(): number {
    this.assertUsable()
    if (this.life === OVER) throw disconnectedError(this.constructor.name)
    return socket.duplicate(this.descriptor.fd)
  }

  /** Throws ERR_WORMHOLE_CLOSED if this end was closed, detached or moved. @internal */
  assertUsable(): void {
    const { fd, moving } = this.descriptor
    if (this.life === GIVEN_UP || (this.life === OPEN && (fd < 0 || moving))) throw closedError(this.constructor.name)
  }

  /** How many messages would be lost if the descriptor were moved. @internal */
  protected abstract held(): number

  /** Ends what waits: the descriptor is about to be moved. @internal */
  protected abstract endWaits(): void

  /** Applies a changed `keepsAlive` to what is watched. @internal */
  protected abstract rewatch(): void

  #keepAlive(keepsAlive: boolean): void {
    this.keepsAlive = keepsAlive
    this.rewatch()
  }
}
