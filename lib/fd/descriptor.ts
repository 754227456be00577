import { closedError } from '../core/errors.js'
import { emitWarning, setImmediate } from '../core/globals.js'
import { type CloseReason, closed, type Observed } from '../core/telemetry.js'
import * as socket from '../os/syscalls.js'

/** The one owner of a descriptor number: closes it once, gives it up once, or has it moved. */
export class Descriptor {
  /** The number; -1 once it is closed or given up, so that it never refers to the next file with that number. */
  fd: number
  /** Whether a message that moves it waits to be sent: nothing else may use it then. */
  moving = false
  /** Called once it is closed or given up here. */
  left: (() => void) | undefined
  #closeWanted = false

  constructor(fd: number) {
    this.fd = fd
  }

  get open(): boolean {
    return this.fd >= 0 && !this.moving
  }

  /** Closes it; during a move, once the move has failed. */
  close(): void {
    if (this.moving) this.#closeWanted = true
    if (this.fd < 0 || this.moving) return
    registry.unregister(this)
    socket.close(this.fd)
    this.fd = -1
    this.left?.()
  }

  /** Ends a move: closes it here if the message was sent; otherwise it is as before. */
  endMove(moved: boolean): void {
    this.moving = false
    if (moved || this.#closeWanted) this.close()
  }

  /** Gives the number up, still open, and returns it. */
  release(): number {
    const { fd } = this
    registry.unregister(this)
    socket.release(fd)
    this.fd = -1
    this.left?.()
    return fd
  }

  /** Closes it with a process warning if `owner`, which may be an end of a channel, is garbage-collected while it is open. */
  guard(owner: object, isEnd = false): void {
    registry.register(owner, { descriptor: this, what: owner.constructor.name, isEnd }, this)
  }
}

/** Closes the descriptor of `end` and publishes that; does nothing if it is closed already or a message moves it. */
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

/** What was collected since the last warning: one warning reports all. */
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

// Registered symbols: another copy of this package in the process knows our objects by them, and moves them as its own.
// The number in each changes with its meaning.

/** The method by which an object gives its descriptor to a message that moves it. */
export const kDescriptor: unique symbol = Symbol.for('wormhole-ipc.descriptor@1') as never

/** The method that is called before the descriptor goes. */
export const kEndWaits: unique symbol = Symbol.for('wormhole-ipc.letGo@1') as never

/** The method that is called when a move of the descriptor has ended. */
export const kMoveEnded: unique symbol = Symbol.for('wormhole-ipc.moveEnded@1') as never

/** The property that says which end of a channel an object is. */
export const kEnd: unique symbol = Symbol.for('wormhole-ipc.end@1') as never

/** Returns which end of a channel `value` is, of this copy of the package or another; undefined if it is none. */
export function endOf(value: unknown): 'sender' | 'receiver' | undefined {
  return typeof value === 'object' && value !== null ? (value as { [kEnd]?: 'sender' | 'receiver' })[kEnd] : undefined
}

export interface DescriptorOwner {
  /** Returns the descriptor if it can be given away now; else throws an error that names `action`. */
  [kDescriptor](action: string): Descriptor
  /** Ends all waits: the descriptor is about to go elsewhere. */
  [kEndWaits](): void
  /** Notes that the descriptor, which was `fd`, went with a message or to a child; null: it did not go. */
  [kMoveEnded](fd: number, to: 'message' | 'child' | null): void
}

export function isOwner(value: unknown): value is DescriptorOwner {
  return typeof value === 'object' && value !== null && kDescriptor in value
}

export function assertOpen(descriptor: Descriptor, what: string): void {
  if (!descriptor.open) throw closedError(what)
}
