import type { Server, Socket } from 'node:net'
import { describe } from '../core/describe.js'
import { argumentError, WormholeError } from '../core/errors.js'
import * as socket from '../os/syscalls.js'
import {
  type Descriptor,
  type DescriptorOwner,
  endOf,
  isOwner,
  kDescriptor,
  kEndWaits,
  kMoveEnded,
} from './descriptor.js'
import { numberToGive } from './node-source.js'
import type { OwnedFd } from './owned-fd.js'

export { isOwner } from './descriptor.js'

/**
 * A descriptor that can go with a message. An {@link OwnedFd}, a sender or a receiver is moved: once the kernel has it, it
 * is closed here; the process that receives an end names its options again (`sender(options)`). Numbers, and Node's own
 * objects that have one, are duplicated and stay the caller's.
 *
 * To hand over a connection of Node's server, make the server with `pauseOnConnect: true` and destroy the socket once it
 * is sent: what Node has read of it is not in the kernel any more. A socket of which Node holds such bytes is refused
 * with ERR_WORMHOLE_PENDING.
 *
 * @example
 * import type { FdSource } from 'wormhole-ipc'
 *
 * const sources: FdSource[] = [process.stdin.fd, owned, receiver]
 * await sender.sendWithFds({ id: 1 }, sources) // `owned` and `receiver` are moved, standard input is duplicated
 */
export type FdSource = number | OwnedFd | { readonly fd: number } | Socket | Server

/** The descriptors of one outgoing message: duplicates of what stays the caller's, and what moves. */
export class Transfer {
  readonly fds: number[] = []
  #copies: number[] = []
  #moving: Descriptor[] = []
  /** Keeps the owners from garbage collection, which closes open descriptors. */
  #owners: DescriptorOwner[] = []

  /** Throws if a source has no open descriptor or there are too many; then nothing has changed. */
  constructor(sources: readonly FdSource[], max: number) {
    if (sources.length > max) {
      throw new WormholeError(
        'ERR_WORMHOLE_TOO_MANY_FDS',
        `${sources.length} descriptors are too many: one message carries at most ${max}`
      )
    }
    try {
      for (const source of sources) this.#add(source)
      for (const owner of this.#owners) owner[kEndWaits]()
    } catch (error) {
      this.refused()
      throw error
    }
  }

  #add(source: FdSource): void {
    if (isOwner(source)) {
      if (this.#owners.includes(source)) {
        throw argumentError(
          `descriptor ${this.#moving[this.#owners.indexOf(source)]?.fd} is named twice in fds: it can be moved only once`
        )
      }
      const descriptor = source[kDescriptor]('send')
      descriptor.moving = true
      this.#moving.push(descriptor)
      this.#owners.push(source)
      this.fds.push(descriptor.fd)
    } else {
      const copy = socket.duplicate(numberOf(source))
      this.#copies.push(copy)
      this.fds.push(copy)
    }
  }

  /** Ends the transfer after the kernel accepted it: what moved is closed here. */
  accepted(): void {
    this.#end(true)
  }

  /** Ends the transfer if it was not sent: what was to move is usable again. */
  refused(): void {
    this.#end(false)
  }

  #end(moved: boolean): void {
    const moving = this.#moving.map((descriptor, index) => ({
      descriptor,
      owner: this.#owners[index],
      fd: descriptor.fd,
    }))
    for (const { descriptor } of moving) descriptor.endMove(moved)
    socket.closeAll(this.#copies)
    this.#moving = []
    this.#owners = []
    this.#copies = []
    for (const { owner, fd } of moving) owner?.[kMoveEnded](fd, moved ? 'message' : null)
  }
}

/** Returns the numbers if all stay the caller's; null if one moves or is no descriptor, or there are none or too many. */
export function numbersOf(sources: readonly FdSource[]): number[] | null {
  if (sources.length === 0 || sources.length > socket.SCM_MAX_FD) return null
  const fds: number[] = []
  for (const source of sources) {
    if (isOwner(source)) return null
    const fd = numberToGive(source)
    if (!socket.isNumber(fd)) return null
    fds.push(fd)
  }
  return fds
}

/** Returns the number of the caller's descriptor: a number, `{ fd }`, or Node's socket or server; throws if there is none. */
function numberOf(source: unknown): number {
  const fd = numberToGive(source)
  if (fd !== undefined) return fd
  const { sender, receiver } = (source ?? {}) as { sender?: unknown; receiver?: unknown }
  if (endOf(sender) !== undefined && endOf(receiver) !== undefined) {
    throw socket.badDescriptor('a Link in fds is two ends of channels: pass link.sender and link.receiver')
  }
  throw socket.badDescriptor(`${describe(source)} in fds has no open descriptor`)
}
