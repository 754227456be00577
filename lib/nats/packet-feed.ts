import { after } from '../core/clock.js'
import type { WormholeError } from '../core/errors.js'
import { queueMicrotask } from '../core/globals.js'
import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import { pause } from '../core/pause.js'
import { failed } from '../core/telemetry.js'
import { type EndState, OPEN } from '../fd/end-context.js'
import { EMPTY, type Feed, type Found, READ } from '../receive/reader.js'
import { Failure } from '../wire/json.js'
import { isAnswer, isForbidden } from './client.js'
import type { NatsMessage } from './client-types.js'
import { unlessInterrupted } from './connection-watch.js'
import { mendConsumer } from './continuity.js'
import { Holdings } from './holdings.js'
import { LeasedBatch } from './leased-batch.js'
import { LeasedPacket } from './leased-packet.js'
import type { RemoteSettings } from './options.js'
import { COUNT, parse, split } from './packet.js'
import { Pulls } from './pulls.js'
import type { Remote } from './remote.js'
import { refused } from './server-error.js'
import { ensureConsumer } from './stream.js'

/** How long a packet that came for a cancelled wait is kept: a loop over `select` may ask again. */
const HOLD_MS = 20
/** The first pause after a pull failed, and the longest. */
const MIN_PAUSE_MS = 10
const MAX_PAUSE_MS = 1000

interface ReceivingEnd extends EndState {
  readonly settings: RemoteSettings
}

/** Brings the packets of a stream to the queue of a receiver, one pull when a call waits, and says what became of them. */
export class PacketFeed implements Feed {
  readonly batch: LeasedBatch
  readonly waitsFor = 0
  readonly holdsPart = false
  readonly holdings: Holdings
  readonly #end: ReceivingEnd
  readonly #remote: Remote
  readonly #leaseMs: number
  readonly #pulls: Pulls
  readonly #arrived: LeasedPacket[] = []
  /** What could not be decoded, by its packet. */
  readonly #unreadable = new WeakMap<LeasedPacket, Failure>()
  #queue: { onReady(): void } | null = null
  #error: unknown = null
  #tells = false
  /** Whether something was read since the wait began. */
  #served = true
  #cancelHold: (() => void) | null = null
  #recovering = false
  #stopWatching: () => void

  constructor(remote: Remote, end: ReceivingEnd, leaseMs: number) {
    this.#remote = remote
    this.#end = end
    this.#leaseMs = leaseMs
    this.holdings = new Holdings(remote, end, leaseMs, () => this.#giveBackIdle())
    this.batch = new LeasedBatch(end, () => this.holdings.sync(this.batch))
    this.#pulls = new Pulls(remote, {
      arrived: (message) => this.#arrive(message),
      late: (message) => this.holdings.refuse(message.reply ?? ''),
      ended: (reason) => void this.#recover(reason),
    })
    this.#stopWatching = remote.watch.add({
      reconnected: () => this.#reconnected(),
      closed: () => this.#ready(),
    })
  }

  read(batch: LeasedBatch): Found {
    const error = this.#remote.watch.error ?? this.#error
    const packet = error === null ? this.#arrived.shift() : undefined
    if (error === null && packet === undefined) return EMPTY
    this.#served = true
    if (packet === undefined) {
      this.#error = null
      this.holdings.current = null
      batch.fail(() => error as WormholeError)
      return READ
    }
    const { counters, settings } = this.#end
    this.holdings.current = packet
    const failure = this.#unreadable.get(packet)
    if (failure !== undefined) batch.push(failure)
    else for (const text of packet.texts) batch.push(parse(text, settings.maxMessageBytes))
    counters.packets++
    counters.bytes += packet.bytes
    this.#ask(settings.prefetch - 1)
    return READ
  }

  watch(queue: { onReady(): void }): void {
    this.#queue = queue
    this.#served = false
    this.#cancelHold?.()
    this.#cancelHold = null
    if (this.#hasSomething) this.#tellLater()
    else this.#ask(this.#end.settings.prefetch)
  }

  unwatch(): void {
    this.#queue = null
    // Cancelled: what was asked for, or has come since, is for others.
    if (!this.#served) this.#holdBriefly()
  }

  #holdBriefly(): void {
    if (this.#end.life === OPEN) this.#cancelHold ??= after(HOLD_MS, () => this.#giveBackUnread())
  }

  drop(): void {}

  settle(loop: object): void {
    this.holdings.settle(loop)
  }

  leave(loop: object): void {
    this.holdings.leave(loop, this.batch)
    if (this.#queue === null) this.#holdBriefly()
  }

  takeFor(loop: object | null): void {
    this.holdings.taker = loop
  }

  /** Gives back all that is here. Resolves once the server has been told. */
  async stop(): Promise<void> {
    this.#stopWatching()
    this.#cancelHold?.()
    const stopped = this.#pulls.stop()
    this.#arrived.length = 0
    await this.holdings.giveBackAll()
    await stopped
    this.holdings.stop()
  }

  /** Messages that have come and are not in the batch. */
  get unread(): number {
    return this.#arrived.reduce((sum, { count }) => sum + count, 0)
  }

  get #hasSomething(): boolean {
    return this.#arrived.length > 0 || this.#error !== null || this.#remote.watch.error !== null
  }

  /** Asks for packets, unless as many are here or on their way: not for a few of many. */
  #ask(wanted: number): void {
    if (this.#recovering || this.#end.life !== OPEN) return
    const missing = wanted - this.#pulls.asked - this.#arrived.length
    if (missing <= 0 || (this.#pulls.asked > 0 && missing < wanted / 2)) return
    try {
      this.#pulls.ask(missing)
    } catch (error) {
      void this.#recover(error)
    }
  }

  #arrive(message: NatsMessage): void {
    const reply = message.reply ?? ''
    if (this.holdings.again(reply)) {
      if (this.#queue !== null) this.#ask(this.#end.settings.prefetch)
      return
    }
    const texts = split(message.data, message.headers?.get(COUNT))
    const known = texts instanceof Failure ? [''] : this.holdings.unfinished(reply, texts)
    const packet = new LeasedPacket(reply, known, message.data.length - (known.length - 1))
    if (texts instanceof Failure) this.#unreadable.set(packet, texts)
    this.holdings.add(packet)
    this.#arrived.push(packet)
    this.#ready()
  }

  #ready(): void {
    this.#queue?.onReady()
  }

  /** Tells the queue after the present call, or after a yield to the loop if the budget is spent. */
  #tellLater(): void {
    if (this.#tells) return
    this.#tells = true
    const tell = () => {
      this.#tells = false
      if (this.#hasSomething) this.#ready()
    }
    if (overBudget()) void yieldToLoop().then(tell)
    else queueMicrotask(tell)
  }

  #giveBackUnread(): void {
    this.#cancelHold = null
    if (this.#queue !== null) return
    void this.#pulls.stop()
    for (const packet of this.#arrived.splice(0)) this.holdings.returnWhole(packet)
    this.#giveBackCurrent()
  }

  /** Gives back the packet whose messages are next, if nobody has taken one. */
  #giveBackCurrent(): void {
    const { current } = this.holdings
    if (current === null || !current.untouched) return
    this.#dropBatch()
    this.holdings.returnWhole(current)
  }

  /** Called when nobody has asked for what is here for as long as a lease. */
  #giveBackIdle(): void {
    if (this.#queue !== null) return
    void this.#pulls.stop()
    for (const packet of this.#arrived.splice(0)) this.holdings.returnWhole(packet)
    const { current } = this.holdings
    if (current === null || current.position === current.count) return
    this.#dropBatch()
    void this.holdings.returnSome(current, current.waiting())
  }

  #dropBatch(): void {
    this.#end.counters.messages -= this.batch.left
    this.holdings.current = null
    this.batch.clear()
  }

  #reconnected(): void {
    this.holdings.renewAll()
    if (this.#pulls.asked === 0) return
    // The server has forgotten the pulls.
    void this.#pulls.stop()
    if (this.#queue !== null) this.#ask(this.#end.settings.prefetch)
  }

  /** A pull is over: asks again, once the server is there and has the consumer; or fails the wait if the stream is gone. */
  async #recover(reason: unknown): Promise<void> {
    if (this.#recovering) return
    if (reason === null) {
      if (this.#queue !== null) this.#ask(this.#end.settings.prefetch)
      return
    }
    this.#recovering = true
    for (let wait = MIN_PAUSE_MS; this.#end.life === OPEN && this.#remote.watch.error === null; ) {
      try {
        if (isForbidden(reason)) throw refused('cannot ask for packets', reason)
        await unlessInterrupted(this.#remote.watch, this.#ensureConsumer())
        break
      } catch (error) {
        const { cause } = error as WormholeError
        if (isAnswer(cause)) {
          this.#fail(error)
          break
        }
      }
      await pause(wait)
      wait = Math.min(2 * wait, MAX_PAUSE_MS)
    }
    this.#recovering = false
    if (this.#queue !== null && !this.#hasSomething) this.#ask(this.#end.settings.prefetch)
  }

  /** Makes the consumer if it is gone, with the lease that this end knows, or was left behind by its stream. */
  async #ensureConsumer(): Promise<void> {
    await ensureConsumer(this.#remote, this.#leaseMs)
    await mendConsumer(this.#remote)
  }

  #fail(error: unknown): void {
    this.#error = error
    if (this.#queue === null) failed(this.#end, error)
    this.#ready()
  }
}
