import { beginWait, type Counters, endWait } from '../core/telemetry.js'
import type { EndState } from '../fd/end-context.js'
import { unwatch, type Waiting, watch } from '../os/poller.js'
import { POLLIN } from '../os/syscalls.js'
import type { Feed, MessageReader } from './reader.js'

/** Watches, while something waits for a receiver's next message, what has to be readable before there can be one. */
export class ReadWatch {
  readonly #end: EndState
  readonly #counters: Counters
  readonly #reader: MessageReader
  readonly #feed: Feed | null
  readonly #owner: Waiting
  /** The descriptor that is watched, the channel's or a side stream's; -1 if nothing waits. */
  #watched = -1

  /** @param feed the reader, if it has no descriptor */
  constructor(end: EndState, reader: MessageReader, feed: Feed | null, owner: Waiting) {
    this.#end = end
    this.#counters = end.counters
    this.#reader = reader
    this.#feed = feed
    this.#owner = owner
  }

  get on(): boolean {
    return this.#watched >= 0
  }

  /** @param calling whether calls wait: a subscriber holds the event loop itself */
  start(calling: boolean): void {
    const fd = this.#reader.waitsFor
    if (this.#watched >= 0 && this.#watched !== fd) this.stop()
    this.#watched = -1
    if (this.#feed !== null) this.#feed.watch(this.#owner)
    else watch(fd, POLLIN, this.#owner, this.#end.keepsAlive && calling)
    this.#watched = fd
    beginWait(this.#counters, this.#end, 'waits')
  }

  stop(): void {
    if (this.#feed !== null) this.#feed.unwatch()
    else if (this.#watched >= 0) unwatch(this.#watched)
    this.#watched = -1
    if (this.#counters.waitingSince >= 0) endWait(this.#counters, this.#end, 'waits no longer')
  }

  /** Applies a changed `keepsAlive`. */
  rewatch(calling: boolean): void {
    if (this.#watched >= 0 && this.#feed === null) {
      watch(this.#watched, POLLIN, this.#owner, this.#end.keepsAlive && calling)
    }
  }

  /** Notes that the poller has given up what was watched. */
  failed(): void {
    this.#watched = -1
  }
}
