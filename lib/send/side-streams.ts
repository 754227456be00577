import type { WormholeError } from '../core/errors.js'
import { beforeSend, failed, sent } from '../core/telemetry.js'
import type { EndContext } from '../fd/end-context.js'
import type { Entry } from './send-request.js'
import type { SideWriter } from './side-writer.js'

/** Long messages that may be under way at once; the next one waits in the queue. */
const MAX_UNDER_WAY = 8
const NONE = new Map<SideWriter, Entry>()

/** Who is told when a long message is through or has failed. */
export interface SideStreamsOwner {
  onSideEnded(): void
}

/** A sender's long messages whose header the kernel has and whose payload is under way. */
export class SideStreams {
  readonly #end: EndContext
  readonly #owner: SideStreamsOwner
  #entries = NONE
  #keepsAlive = true

  constructor(end: EndContext, owner: SideStreamsOwner) {
    this.#end = end
    this.#owner = owner
  }

  get size(): number {
    return this.#entries.size
  }

  get full(): boolean {
    return this.#entries.size >= MAX_UNDER_WAY
  }

  /** Descriptors that must become writable before these can go on. */
  get fds(): number[] {
    return [...this.#entries.keys()].map((side) => side.fd)
  }

  /** The header of a long message is with the kernel; its payload goes on by itself beside what comes next. */
  follow(side: SideWriter, entry: Entry): void {
    entry.transfer?.accepted()
    if (this.#entries === NONE) this.#entries = new Map()
    this.#entries.set(side, entry)
    // What is through at once belongs to the header's packet, which is being told of.
    let later = false
    side.start(this.#keepsAlive, (error) => {
      this.#entries.delete(side)
      entry.settle(error)
      if (entry.error === undefined) this.#through(entry, later)
      else failed(this.#end, entry.error)
      this.#owner.onSideEnded()
    })
    later = true
  }

  /** Gives up a message if it is one of these. */
  withdraw(entry: Entry, reason: unknown): boolean {
    for (const [side, owner] of this.#entries) {
      if (owner !== entry) continue
      side.abandon(reason as WormholeError)
      return true
    }
    return false
  }

  /** Sends what can be sent without waiting. */
  pump(): void {
    for (const side of this.#entries.keys()) side.pump(false)
  }

  settled(): Promise<void>[] {
    return [...this.#entries.values()].map((entry) => entry.wait())
  }

  setKeepsAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    for (const side of this.#entries.keys()) side.setKeepsAlive(keepsAlive)
  }

  /** @param tells whether it has an event of its own */
  #through(entry: Entry, tells: boolean): void {
    const { counters } = this.#end
    const before = tells ? beforeSend(counters) : null
    counters.messages++
    counters.bytes += entry.longBytes
    if (before !== null) sent(this.#end, before, counters)
  }
}
