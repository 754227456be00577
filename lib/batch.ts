import { Failure } from './codec.js'
import type { Endpoint } from './endpoint.js'
import { WormholeError } from './errors.js'
import type { OwnedFd } from './owned-fd.js'

const NOTHING: unknown[] = []

/** The descriptors that came with the item at `index`. */
interface Attached {
  index: number
  fds: OwnedFd[]
}

/** The messages that one read brought, and how many of them have been taken. */
export class Batch {
  items: unknown[] = NOTHING
  /** The next item to take. */
  next = 0
  /** Whether an item may be a {@link Failure}. */
  failures = false
  /** The descriptors that came with items that are left, in the order of these. */
  #attached: Attached[] | null = null

  /** @param end the receiver that these are for, if it is to be told of */
  constructor(readonly end: Endpoint | null = null) {}

  get left(): number {
    return this.items.length - this.next
  }

  add(items: unknown[]): void {
    if (this.left === 0) this.items = items
    else for (const item of items) this.items.push(item)
  }

  push(item: unknown): void {
    if (item instanceof Failure) this.failures = true
    if (this.items === NOTHING) this.items = []
    this.items.push(item)
  }

  fail(error: WormholeError): void {
    this.push(new Failure(error))
  }

  attach(index: number, fds: OwnedFd[]): void {
    const last = this.#attached?.at(-1)
    if (last?.index === index) last.fds.push(...fds)
    else if (this.#attached === null) this.#attached = [{ index, fds }]
    else this.#attached.push({ index, fds })
  }

  /** The next message with its descriptors, which are the caller's from now on. Throws a failure. */
  take(): { message: unknown; fds: OwnedFd[] } {
    const fds = this.#detach()
    try {
      return { message: this.shift(), fds }
    } catch (error) {
      closeEach(fds)
      throw error
    }
  }

  /** The next message; its descriptors, if it had any, are closed. Throws a failure. */
  takeMessage(): unknown {
    return this.#attached === null ? this.shift() : this.dropDescriptors()
  }

  /** All messages up to the next failure, at least one. Throws when a failure is the first. */
  takeAll(): unknown[] {
    if (!this.failures && this.#attached === null && this.next === 0) {
      const { items } = this
      this.clear()
      return items
    }
    const taken = [this.takeMessage()]
    while (this.sound) taken.push(this.takeMessage())
    return taken
  }

  /** Puts a message, or a failure in its place, before what is left. */
  putBack(item: unknown, fds: OwnedFd[] = []): void {
    const attached = (this.#attached ?? []).map((each) => ({ index: each.index - this.next + 1, fds: each.fds }))
    if (fds.length > 0) attached.unshift({ index: 0, fds })
    this.items = [item, ...this.items.slice(this.next)]
    this.next = 0
    this.#attached = attached.length > 0 ? attached : null
    if (item instanceof Failure) this.failures = true
  }

  /** How many descriptors came with what is left. */
  get descriptors(): number {
    return (this.#attached ?? []).reduce((sum, { fds }) => sum + fds.length, 0)
  }

  /** Those of all failures among the items. */
  get errors(): WormholeError[] {
    if (!this.failures) return []
    return this.items.flatMap((item) => (item instanceof Failure ? [item.error] : []))
  }

  /** Whether the next item is a message, not a failure. */
  get sound(): boolean {
    return this.left > 0 && !(this.failures && this.items[this.next] instanceof Failure)
  }

  /** The item at `index` came without its descriptors: a failure that carries it stands in its place. */
  loseDescriptors(index: number): void {
    const item = this.items[index]
    const error = new WormholeError(
      'ERR_WORMHOLE_FDS_TRUNCATED',
      'the kernel dropped descriptors of a message: this process is at its limit of open files (RLIMIT_NOFILE)',
      { received: item instanceof Failure ? item.error.received : item }
    )
    this.failures = true
    if (index < this.items.length) this.items[index] = new Failure(error)
    else this.fail(error)
  }

  /** Drops all that is left. */
  clear(): void {
    for (const { fds } of this.#attached ?? []) closeEach(fds)
    this.items = NOTHING
    this.next = 0
    this.failures = false
    this.#attached = null
  }

  /** The descriptors of the next item, which are the caller's from now on. */
  #detach(): OwnedFd[] {
    const first = this.#attached?.[0]
    if (first === undefined || first.index > this.next) return []
    if (this.#attached?.length === 1) this.#attached = null
    else this.#attached?.shift()
    return first.fds
  }

  private shift(): unknown {
    const item = this.items[this.next]
    this.next++
    const failed = this.failures && item instanceof Failure
    if (this.next === this.items.length) this.clear()
    if (failed) throw item.error
    return item
  }

  private dropDescriptors(): unknown {
    const { message, fds } = this.take()
    closeEach(fds)
    return message
  }
}

export function closeEach(fds: readonly OwnedFd[]): void {
  for (const fd of fds) fd.close()
}
