import { onAbort } from '../core/abort.js'
import { Buffer, nextTick, Promise } from '../core/globals.js'
import { List, ListItem } from '../core/list.js'
import { pause } from '../core/pause.js'
import { quiet } from '../core/promises.js'
import { beginWait, endWait, failed, sent } from '../core/telemetry.js'
import type { EndState } from '../fd/end-context.js'
import type { RemoteSettings } from './options.js'
import { join, MAX_MESSAGES } from './packet.js'
import type { PacketPublisher } from './packet-publisher.js'

/** The first pause after the stream was full, and the longest. */
const MIN_PAUSE_MS = 2
const MAX_PAUSE_MS = 200

/** Texts that are sent together, in one packet, and the promise of that. */
export class Request extends ListItem<Request> {
  settled = false
  readonly promise: Promise<void>
  #resolve!: () => void
  #reject!: (error: unknown) => void

  /** @param text the messages' texts as `join` joins them */
  constructor(
    readonly text: string,
    readonly count: number
  ) {
    super()
    this.promise = quiet(
      new Promise<void>((resolve, reject) => {
        this.#resolve = resolve
        this.#reject = reject
      })
    )
  }

  settle(error?: unknown): void {
    this.settled = true
    if (error === undefined) this.#resolve()
    else this.#reject(error)
  }
}

interface SendingEnd extends EndState {
  readonly settings: RemoteSettings
}

/**
 * Sends texts in their order, one packet after another: the next is published when the stream has the one before, so that no
 * retry changes the order. What is submitted meanwhile shares the next packet.
 */
export class Publisher {
  readonly #end: SendingEnd
  readonly #packets: PacketPublisher
  readonly #waiting = new List<Request>()
  readonly #pending = new Set<Request>()
  #queued = 0
  #underWay = false

  constructor(end: SendingEnd, packets: PacketPublisher) {
    this.#end = end
    this.#packets = packets
  }

  /** Messages that the stream has not acknowledged. */
  get queued(): number {
    return this.#queued
  }

  /** Whether more waits than the next packet takes. */
  get blocked(): boolean {
    return this.#queued >= 2 * MAX_MESSAGES
  }

  submit(request: Request, signal?: AbortSignal): Promise<void> {
    this.#queued += request.count
    this.#pending.add(request)
    this.#waiting.push(request)
    if (!this.#underWay) this.#start()
    if (signal !== undefined) {
      const stop = onAbort(signal, () => this.#withdraw(request, signal.reason))
      request.promise.then(stop, stop)
    }
    return request.promise
  }

  /** Resolves once the stream has all that was submitted; rejects with the first error. */
  async flush(): Promise<void> {
    await Promise.all([...this.#pending].map(({ promise }) => promise))
  }

  /** Resolves once all that was submitted is settled. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#pending].map(({ promise }) => promise))
  }

  /** Fails all that waits. */
  fail(error: unknown): void {
    for (let request = this.#waiting.shift(); request !== null; request = this.#waiting.shift())
      this.#settle(request, error)
  }

  /** Takes a message back. One that is being published may arrive all the same. */
  #withdraw(request: Request, reason: unknown): void {
    if (request.settled) return
    this.#waiting.remove(request)
    this.#settle(request, reason)
  }

  #start(): void {
    this.#underWay = true
    // What is sent in the same tick shares the packet.
    nextTick(() => void this.#run())
  }

  async #run(): Promise<void> {
    let wait = MIN_PAUSE_MS
    for (let packet = this.#gather(); packet.length > 0; packet = this.#gather()) {
      if (await this.#publish(packet)) {
        wait = MIN_PAUSE_MS
        continue
      }
      await pause(wait)
      wait = Math.min(2 * wait, MAX_PAUSE_MS)
    }
    this.#underWay = false
  }

  /** Takes the requests of the next packet, the first of which may be of any length. */
  #gather(): Request[] {
    const packet: Request[] = []
    let count = 0
    let bytes = 0
    for (let next = this.#waiting.first; next !== null; next = this.#waiting.first) {
      count += next.count
      bytes += Buffer.byteLength(next.text) + 1
      if (packet.length > 0 && (count > MAX_MESSAGES || bytes > this.#end.settings.packetBytes)) break
      this.#waiting.remove(next)
      packet.push(next)
      if (!this.#end.settings.coalesce) break
    }
    return packet
  }

  /** Publishes a packet until the stream has it. Returns false if the stream is full: then its requests wait again. */
  async #publish(packet: Request[]): Promise<boolean> {
    const { counters } = this.#end
    const text = join(packet.map((request) => request.text))
    const bytes = Buffer.from(text)
    const messages = packet.reduce((sum, { count }) => sum + count, 0)
    const outcome = await this.#packets.publish(bytes, messages)
    if (outcome === 'full') {
      if (beginWait(counters, this.#end, 'full')) counters.waits++
      for (const request of packet.reverse()) if (!request.settled) this.#waiting.unshift(request)
      return false
    }
    endWait(counters, this.#end)
    if (outcome !== null) {
      failed(this.#end, outcome)
      for (const request of packet) this.#settle(request, outcome)
      // What was sent after it would arrive without it.
      if (outcome.code === 'ERR_WORMHOLE_DISCONNECTED') this.fail(outcome)
      return true
    }
    counters.packets++
    sent(this.#end, counters, messages, bytes.length - (messages - 1), 0)
    for (const request of packet) this.#settle(request)
    return true
  }

  #settle(request: Request, error?: unknown): void {
    if (request.settled) return
    this.#queued -= request.count
    this.#pending.delete(request)
    request.settle(error)
  }
}
