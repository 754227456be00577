import { WormholeError } from '../core/errors.js'
import { failed, type Observed } from '../core/telemetry.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import type { MessageSink, Unread } from '../wire/inbox.js'
import { Failure } from '../wire/json.js'

const NOTHING: unknown[] = []

/** The descriptors that came with the item at `position`. */
interface Attached {
  position: number
  fds: OwnedFd[]
}

/** Items that were made already when they were added after unread ones. */
class Made implements Unread {
  #items: unknown[]

  constructor(items: unknown[]) {
    this.#items = items
  }

  get left(): number {
    return this.#items.length
  }

  read(): unknown[] {
    const items = this.#items
    this.drop()
    return items
  }

  drop(): void {
    this.#items = NOTHING
  }
}

/**
 * The messages that one read brought, and how many of them have been taken. A position counts from the batch's first
 * message, taken ones included.
 */
export class Batch implements MessageSink {
  items: unknown[] = NOTHING
  /** The next item to take. */
  next = 0
  /** How many are left to take; only this class changes it. A field, as a message reads it several times. */
  left = 0
  /** Whether taking needs more than an index into `items`: there may be a {@link Failure}, or unread messages. */
  failures = false
  /** The position of the first of `items`. */
  #before = 0
  /** What follows `items`, and how many messages that is. */
  #unread: Unread[] = []
  private following = 0
  /** The descriptors that came with items that are left, in the items' order. */
  #attached: Attached[] | null = null
  /** The positions of items whose descriptors the kernel dropped. */
  #lost: number[] = []

  /** @param end the receiver, if its failures are to be published */
  constructor(readonly end: Observed | null = null) {}

  /** The position of the last message; -1 if there is none. */
  get last(): number {
    return this.#before + this.items.length + this.following - 1
  }

  add(items: unknown[]): void {
    if (this.following > 0) {
      this.addUnread(new Made(items))
      return
    }
    if (this.left === 0) this.items = items
    else for (const item of items) this.items.push(item)
    this.left += items.length
  }

  /** Adds messages that are made when they are next: until then they cost their bytes alone, however many they are. */
  addUnread(unread: Unread): void {
    this.failures = true
    this.#unread.push(unread)
    this.following += unread.left
    this.left += unread.left
  }

  push(item: unknown): void {
    if (item instanceof Failure) this.failures = true
    if (this.following > 0) {
      this.add([item])
      return
    }
    if (this.items === NOTHING) this.items = [item]
    else this.items.push(item)
    this.left++
  }

  /** Adds a failure; `error` is called when it is taken. */
  fail(error: () => WormholeError): void {
    this.push(new Failure(error))
  }

  attach(position: number, fds: OwnedFd[]): void {
    const last = this.#attached?.at(-1)
    if (last?.position === position) last.fds.push(...fds)
    else if (this.#attached === null) this.#attached = [{ position, fds }]
    else this.#attached.push({ position, fds })
  }

  /** Records that the message at `position` lost its descriptors: taking it throws an error that carries it. */
  loseDescriptors(position: number): void {
    this.failures = true
    if (position < 0) this.fail(() => lostDescriptors(undefined))
    else this.#lost.push(position)
  }

  /** Returns the next message with its descriptors, which the caller then owns. Throws a failure. */
  take(): { message: unknown; fds: OwnedFd[] } {
    const fds = this.#detach()
    try {
      return { message: this.shift(), fds }
    } catch (error) {
      closeEach(fds)
      throw error
    }
  }

  /** Returns the next message and closes its descriptors, if it had any. Throws a failure. */
  takeMessage(): unknown {
    if (this.#attached !== null) return this.#dropDescriptors()
    if (this.failures || this.left > 1) return this.shift()
    const item = this.items[this.next]
    this.items = NOTHING
    this.next = 0
    this.left = 0
    this.#before = 0
    return item
  }

  /** Returns all messages up to the next failure, at least one. Throws if a failure is the first. */
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

  /** Puts the message that was taken last, or a failure in its place, before what is left. */
  putBack(item: unknown, fds: OwnedFd[] = []): void {
    if (item instanceof Failure) this.failures = true
    this.left++
    if (this.next > 0) {
      this.next--
      this.items[this.next] = item
    } else {
      this.items = [item, ...this.items]
      this.#before--
    }
    if (fds.length > 0) this.#attached = [{ position: this.#before + this.next, fds }, ...(this.#attached ?? [])]
  }

  /** Whether none came with what is left. */
  get bare(): boolean {
    return this.#attached === null
  }

  /** How many descriptors came with what is left. */
  get descriptors(): number {
    return (this.#attached ?? []).reduce((sum, { fds }) => sum + fds.length, 0)
  }

  /** Whether the next item is a message, not a failure. */
  get sound(): boolean {
    if (this.left === 0) return false
    if (!this.failures) return true
    this.#readOn()
    return !(this.items[this.next] instanceof Failure || this.#lost.includes(this.#before + this.next))
  }

  /** Drops all that is left. */
  clear(): void {
    if (this.#attached !== null) {
      for (const { fds } of this.#attached) closeEach(fds)
      this.#attached = null
    }
    this.items = NOTHING
    this.next = 0
    this.left = 0
    if (this.failures) {
      this.failures = false
      for (const unread of this.#unread) unread.drop()
      this.#unread = []
      this.following = 0
      this.#lost = []
    }
    this.#before = 0
  }

  /** Returns the descriptors of the next item, which the caller then owns. */
  #detach(): OwnedFd[] {
    const first = this.#attached?.[0]
    if (first === undefined || first.position > this.#before + this.next) return []
    if (this.#attached?.length === 1) this.#attached = null
    else this.#attached?.shift()
    return first.fds
  }

  private shift(): unknown {
    if (this.failures) return this.#shiftCarefully()
    const item = this.items[this.next]
    this.next++
    this.left--
    if (this.left === 0) this.clear()
    return item
  }

  #shiftCarefully(): unknown {
    this.#readOn()
    const item = this.items[this.next]
    const lost = this.#lost.includes(this.#before + this.next)
    this.next++
    this.left--
    if (this.left === 0) this.clear()
    if (lost) throw this.#told(lostDescriptors(item instanceof Failure ? receivedOf(item.error()) : item))
    if (!(item instanceof Failure)) return item
    const error = item.error()
    throw item.told ? error : this.#told(error)
  }

  /** Makes the messages that follow `items`, if these are all taken. */
  #readOn(): void {
    const [unread] = this.#unread
    if (this.next < this.items.length || unread === undefined) return
    this.#before += this.items.length
    this.items = unread.read()
    this.next = 0
    this.following -= this.items.length
    if (unread.left > 0) return
    unread.drop()
    this.#unread.shift()
  }

  #told(error: unknown): unknown {
    if (this.end !== null) failed(this.end, error)
    return error
  }

  #dropDescriptors(): unknown {
    const { message, fds } = this.take()
    closeEach(fds)
    return message
  }
}

function lostDescriptors(received: unknown): WormholeError {
  return new WormholeError(
    'ERR_WORMHOLE_FDS_TRUNCATED',
    'the kernel dropped descriptors of a message: this process is at its limit of open files (RLIMIT_NOFILE)',
    { received }
  )
}

function receivedOf(error: unknown): unknown {
  return error instanceof WormholeError ? error.received : undefined
}

export function closeEach(fds: readonly OwnedFd[]): void {
  for (const fd of fds) fd.close()
}
