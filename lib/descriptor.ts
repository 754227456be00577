import { closedError } from './errors.js'
import * as socket from './socket.js'

/** The one owner of a descriptor number: closes it once, gives it up once, or has it moved. */
export class Descriptor {
  /** The number; -1 once it is closed or given up, so that it can't be used for what has it next. */
  fd: number
  /** A message that moves it waits to be sent: it is in use, and not for anybody else. */
  moving = false

  constructor(fd: number) {
    this.fd = fd
  }

  get open(): boolean {
    return this.fd >= 0 && !this.moving
  }

  close(): void {
    if (this.fd < 0) return
    registry.unregister(this)
    socket.close(this.fd)
    this.fd = -1
  }

  /** Gives the number up, still open. */
  release(): number {
    const { fd } = this
    registry.unregister(this)
    socket.release(fd)
    this.fd = -1
    return fd
  }

  /** Closes it with a process warning, should `owner` be garbage-collected while it is open. */
  guard(owner: object): void {
    registry.register(owner, { descriptor: this, what: owner.constructor.name }, this)
  }
}

/** What has been collected since the last warning: one warning tells of all. */
let collected: string[] = []

const registry = new FinalizationRegistry<{ descriptor: Descriptor; what: string }>(({ descriptor, what }) => {
  const { fd } = descriptor
  if (fd < 0) return
  descriptor.close()
  if (collected.length === 0) setImmediate(warn).unref()
  collected.push(`${what} (descriptor ${fd})`)
})

function warn(): void {
  const [first] = collected
  const others = collected.length > 1 ? ` and ${collected.length - 1} more` : ''
  collected = []
  process.emitWarning(`garbage-collected while open, and closed: ${first}${others}; close() each when done with it`, {
    type: 'WormholeWarning',
    code: 'WORMHOLE_UNCLOSED',
  })
}

/** How objects that own a descriptor give it to a message that moves it. */
export const kDescriptor: unique symbol = Symbol('wormhole.descriptor')

export interface DescriptorOwner {
  /** The descriptor, ready to be given away; throws when it is not, with what `action` says. */
  [kDescriptor](action: string): Descriptor
}

export function isDescriptorOwner(value: object): value is DescriptorOwner {
  return kDescriptor in value
}

export function assertOpen(descriptor: Descriptor, what: string): void {
  if (!descriptor.open) throw closedError(what)
}
