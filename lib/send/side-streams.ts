import type { WormholeError } from '../core/errors.js'
import { beforeSend, failed, sent } from '../core/telemetry.js'
import type { EndContext } from '../fd/end-context.js'
import type { SendRequest } from './send-request.js'
import type { SideWriter } from './side-writer.js'

/** Long messages that may be under way at once; the next one waits in the queue. */
const MAX_UNDER_WAY = 8
const NONE = new Map<SideWriter, SendRequest>()

/** Who is told when a long message is through or has failed. */
export interface SideStreamsOwner {
  onSideEnded(): void
}

/** A sender's long messages whose header the kernel has and whose payload is under way. */
export class SideStreams {
  readonly #end: EndContext
  readonly #owner: SideStreamsOwner
  #requests = NONE
  #keepsAlive = true

  constructor(end: EndContext, owner: SideStreamsOwner) {
    this.#end = end
    this.#owner = owner
  }

  get size(): number {
    return this.#requests.size
  }

  get full(): boolean {
    return this.#requests.size >= MAX_UNDER_WAY
  }

  /** Descriptors that must become writable before these can go on. */
  get fds(): number[] {
    return [...this.#requests.keys()].map((side) => side.fd)
  }

  /** The header of a long message is with the kernel; its payload goes on by itself beside what comes next. */
  follow(side: SideWriter, request: SendRequest): void {
    request.transfer?.accepted()
    if (this.#requests === NONE) this.#requests = new Map()
    this.#requests.set(side, request)
    // What is through at once belongs to the header's packet, which is being told of.
    let later = false
    side.start(this.#keepsAlive, (error) => {
      this.#requests.delete(side)
      request.settle(error)
      if (request.error === undefined) this.#through(request, later)
      else failed(this.#end, request.error)
      this.#owner.onSideEnded()
    })
    later = true
  }

  /** Gives up a message if it is one of these. */
  withdraw(request: SendRequest, reason: unknown): boolean {
    for (const [side, owner] of this.#requests) {
      if (owner !== request) continue
      side.abandon(reason as WormholeError)
      return true
    }
    return false
  }

  /** Sends what can be sent without waiting. */
  pump(): void {
    for (const side of this.#requests.keys()) side.pump(false)
  }

  settled(): Promise<void>[] {
    return [...this.#requests.values()].map((request) => request.wait())
  }

  setKeepsAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    for (const side of this.#requests.keys()) side.setKeepsAlive(keepsAlive)
  }

  /** @param tells whether it has an event of its own */
  #through(request: SendRequest, tells: boolean): void {
    const { counters } = this.#end
    const before = tells ? beforeSend(counters) : null
    counters.messages++
    counters.bytes += request.longBytes
    if (before !== null) sent(this.#end, before, counters)
  }
}
