import type { WormholeError } from '../core/errors.js'
import { failed, sent, type Traffic } from '../core/telemetry.js'
import type { EndContext } from '../fd/end-context.js'
import type { SendRequest } from './send-request.js'
import type { SideWriter } from './side-writer.js'

/** At most this many long messages are under way at the same time; the next one waits in the queue. */
const MAX_UNDER_WAY = 8
const NONE = new Map<SideWriter, SendRequest>()

/** The owner, told when a long message was sent or has failed. */
export interface SideStreamsOwner {
  onSideEnded(): void
}

/** A sender's long messages whose header the kernel has and whose payload is under way. */
export class SideStreams {
  readonly #end: EndContext
  readonly #owner: SideStreamsOwner
  #requests = NONE

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

  /**
   * Sends a long message's payload beside what comes next: the kernel has its header.
   *
   * @param traffic of the header's packet: a payload that is sent immediately is counted in it
   */
  follow(side: SideWriter, request: SendRequest, traffic: Traffic): void {
    request.transfer?.accepted()
    if (this.#requests === NONE) this.#requests = new Map()
    this.#requests.set(side, request)
    let packet: Traffic | null = traffic
    side.start((error) => {
      this.#requests.delete(side)
      request.settle(error)
      if (request.error !== undefined) failed(this.#end, request.error)
      else if (packet === null) sent(this.#end, this.#end.counters, 1, request.longBytes, 0)
      else {
        packet.messages++
        packet.bytes += request.longBytes
      }
      this.#owner.onSideEnded()
    })
    packet = null
  }

  /** Abandons a message if it is one of these. */
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

  /** Applies a changed `keepsAlive` to what is watched. */
  rewatch(): void {
    for (const side of this.#requests.keys()) side.rewatch()
  }
}
