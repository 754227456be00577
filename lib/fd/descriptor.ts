import { closedError } from '../core/errors.js'
import { emitWarning, setImmediate } from '../core/globals.js'
import { type CloseReason, closed, type Observed } from '../core/telemetry.js'
import * as socket from '../os/syscalls.js'

/** The one owner of a descriptor number: closes it once, gives it up once, or has it moved. */
export class Descriptor {
  /** The number; -1 once it is closed or given up, so that it can't be used for what has it next. */
  fd: number
  /** A message that moves it waits to be sent: it is in use, and not for anybody else. */
  moving = false
  #closeWanted = false

  constructor(fd: number) {
    this.fd = fd
  }

  get open(): boolean {
    return this.fd >= 0 && !this.moving
  }

  /** Closes it; while it is moving, once that has failed. */
  close(): void {
    if (this.moving) this.#closeWanted = true
    if (this.fd < 0 || this.moving) return
    registry.unregister(this)
    socket.close(this.fd)
    this.fd = -1
  }

  /** The message that moves it was sent, and it is closed here; or was not, and it is as before. */
  endMove(moved: boolean): void {
    this.moving = false
    if (moved || this.#closeWanted) this.close()
  }

  /** Gives the number up, still open. */
  release(): number {
    const { fd } = this
    registry.unregister(this)
    socket.release(fd)
    this.fd = -1
    return fd
  }

  /**
   * Closes it with a process warning, should `owner` be garbage-collected while it is open.
   *
   * @param isEnd whether that is an end of a channel
   */
  guard(owner: object, isEnd = false): void {
    registry.register(owner, { descriptor: this, what: owner.constructor.name, isEnd }, this)
  }
}

/** Closes the descriptor of `end` and tells of it: nothing where it is closed already or a message moves it. */
export function closeEnd(end: Observed, descriptor: Descriptor, reason: CloseReason): void {
  const { fd } = descriptor
  descriptor.close()
  if (fd >= 0 && descriptor.fd < 0) closed(end, fd, reason)
}

interface Guarded {
  descriptor: Descriptor
  what: string
  isEnd: boolean
}

/** What has been collected since the last warning: one warning tells of all. */
let collected: string[] = []

const registry = new FinalizationRegistry<Guarded>(({ descriptor, what, isEnd }) => {
  const { fd } = descriptor
  if (fd < 0 || descriptor.moving) return
  descriptor.close()
  if (isEnd) closed(undefined, fd, 'collected', what)
  if (collected.length === 0) setImmediate(warn).unref()
  collected.push(`${what} (descriptor ${fd})`)
})

function warn(): void {
  const [first] = collected
  const others = collected.length > 1 ? ` and ${collected.length - 1} more` : ''
  collected = []
  emitWarning(`garbage-collected while open, and closed: ${first}${others}; close() each when done with it`, {
    type: 'WormholeWarning',
    code: 'WORMHOLE_UNCLOSED',
  })
}

// Registered symbols: another copy of this package in the process knows its objects by them, and moves ours as its own.
// What they mean has a number, which changes with it.

/** How objects that own a descriptor give it to a message that moves it. */
export const kDescriptor: unique symbol = Symbol.for('wormhole-ipc.descriptor@1') as never

/** What is told that its descriptor is about to go. */
export const kLetGo: unique symbol = Symbol.for('wormhole-ipc.letGo@1') as never

/** What is told how a move of its descriptor has ended. */
export const kMoveEnded: unique symbol = Symbol.for('wormhole-ipc.moveEnded@1') as never

/** Which end of a channel an object is. */
export const kEnd: unique symbol = Symbol.for('wormhole-ipc.end@1') as never

/** Which end of a channel `value` is, of this copy of the package or another; undefined where it is none. */
export function endOf(value: unknown): 'sender' | 'receiver' | undefined {
  return typeof value === 'object' && value !== null ? (value as { [kEnd]?: 'sender' | 'receiver' })[kEnd] : undefined
}

export interface DescriptorOwner {
  /** The descriptor, if it can be given away now; throws when not, with what `action` says. */
  [kDescriptor](action: string): Descriptor
  /** The descriptor is to go elsewhere: nothing more will come of what waits. */
  [kLetGo](): void
  /** The descriptor that was `fd` has gone with a message or to a child; null: it has not. */
  [kMoveEnded](fd: number, to: 'message' | 'child' | null): void
}

export function isDescriptorOwner(value: object): value is DescriptorOwner {
  return kDescriptor in value
}

export function assertOpen(descriptor: Descriptor, what: string): void {
  if (!descriptor.open) throw closedError(what)
}
