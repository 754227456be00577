import type { WormholeError } from '../core/errors.js'
import { failed, sent, type Traffic } from '../core/telemetry.js'
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
   * The header of a long message is with the kernel; its payload goes on by itself beside what comes next.
   *
   * @param traffic of the header's packet: a payload that is through immediately belongs to it
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
      else if (packet === null) sent(this.#end, this.#end.counters, { messages: 1, bytes: request.longBytes, fds: 0 })
      else {
        packet.messages++
        packet.bytes += request.longBytes
      }
      this.#owner.onSideEnded()
    })
    packet = null
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

  /** Whether a wait keeps the process alive has changed. */
  rewatch(): void {
    for (const side of this.#requests.keys()) side.rewatch()
  }
}
