import { now } from '../core/clock.js'
import { closedError, disconnectedError, type WormholeError } from '../core/errors.js'
import { nextTick, Promise } from '../core/globals.js'
import { overBudget, yieldToLoop } from '../core/loop-budget.js'
import { quietBut } from '../core/promises.js'
import { endWait } from '../core/telemetry.js'
import { closeEnd, type Descriptor } from '../fd/descriptor.js'
import { type EndContext, OPEN } from '../fd/end-context.js'
import { Flushable, flushIfExiting, forgetPending, handOver, notePending } from '../os/exit-flush.js'
import { ROOM_SLICE_MS } from '../os/poller.js'
import * as socket from '../os/syscalls.js'
import { NoDelay } from './no-delay.js'
import { PacketLimits } from './packet-limits.js'
import { type Poster, type RequestQueue, type SendRequest, tellUnsent } from './send-request.js'
import { DONE, OVER_BUDGET, Transmitter } from './transmitter.js'

/** Once this many units have gathered, they are sent before the tick ends. */
const EAGER_UNITS = 64 * 1024
/**
 * Of several messages fewer will do: the receiver works at the first packet while the next is written. 100 calls under way
 * took 1.4 times as long without.
 */
const EAGER_UNITS_OF_MANY = 8 * 1024
const MANY = 16
/**
 * So many messages of an eager poster are sent before the tick ends, then twice as many, and so on: the other side works at
 * the first while more are made, and a packet for which it need not be woken may be longer. 100 calls under way took up to
 * 1.3 times as long without.
 */
const EAGER_POSTS = 16
/** What `trySubmitWhole` withdraws a request with; no caller sees it. */
const NOT_SENT = new Error('not sent')

/** When to submit a text inside its call: always, or if nothing is scheduled. */
export const DIRECTLY = 0
export const UNLESS_SCHEDULED = 1
type SubmitMode = typeof DIRECTLY | typeof UNLESS_SCHEDULED

/** A `sendAll` that is not finished. */
interface Running {
  readonly ended: Promise<void>
  failure: { error: unknown } | undefined
  /** Whether a `flush` waits for it, and will reject with its failure. */
  told: boolean
  isCallers(error: unknown): boolean
}

/** Decides when one sender's requests are sent, and closes the descriptor of a closed sender once none is pending. */
export class SendQueue extends Flushable {
  readonly #descriptor: Descriptor
  readonly limits: PacketLimits
  readonly transmitter: Transmitter
  /** The transmitter's: this queue only appends to it. */
  readonly #requests: RequestQueue
  /** Calls of `sendAll` that are not finished. */
  #running: Set<Running> | null = null
  #scheduled = false
  /** Whether that is after a yield to the loop. */
  #later = false
  readonly #noDelay = new NoDelay()
  /** The request that posted messages join, until something is sent. */
  #open: SendRequest | null = null
  /** How many messages of an eager poster are sent before this tick ends. */
  #eagerPosts = EAGER_POSTS

  /** @param end must not be garbage-collected while something is pending: it closes the descriptor */
  constructor(
    readonly end: EndContext,
    type: number
  ) {
    super()
    this.#descriptor = end.descriptor
    this.limits = new PacketLimits(end, type === socket.SOCK_SEQPACKET)
    this.transmitter = new Transmitter(end, this.limits, this)
    this.#requests = this.transmitter.requests
  }

  /** Queues a request; it is sent at the end of this tick, or immediately once enough has gathered. */
  enqueue(request: SendRequest): void {
    if (this.#add(request)) this.#sendInTime(request)
  }

  /** @param last the last request of the queue */
  #sendInTime(last: SendRequest): void {
    if (this.transmitter.blocked) return
    const { units, size } = this.#requests
    const eager = last.posted?.by.eager === true && last.count >= this.#eagerPosts
    if (eager) this.#eagerPosts *= 2
    if (eager || units >= EAGER_UNITS || (units >= EAGER_UNITS_OF_MANY && Math.max(size, last.count) >= MANY)) {
      if (overBudget(last.longBytes)) this.#schedule(true)
      else this.pump()
    } else this.#schedule()
  }

  /**
   * Sends a message that nobody waits for as `enqueue` does, or inside the call if it is alone. It shares a request with
   * those posted just before it: so many messages of a tick cost little more than their text.
   */
  post(text: string, poster: Poster, id: number): void {
    try {
      if (this.submitAlone(text) !== null) return
      const open = this.#open
      if (open?.posted?.by === poster && this.transmitter.extend(open, text)) {
        open.posted.ids.push(id)
        this.#sendInTime(open)
        return
      }
      const request = this.limits.request(text)
      request.posted = { by: poster, ids: [id] }
      if (!this.#add(request)) return
      this.#open = request
      this.#sendInTime(request)
    } catch (error) {
      tellUnsent(poster, [id], error)
    }
  }

  /**
   * Submits a short text inside the call; false if `mode` says to wait, a request is queued, or the channel is full. Throws
   * any other error of the kernel.
   *
   * @param fds descriptors that stay the caller's; false if one is not open
   */
  trySubmit(text: string, mode: SubmitMode, fds: readonly number[] | null = null): boolean {
    if (mode === UNLESS_SCHEDULED && (this.#scheduled || overBudget())) return false
    try {
      return this.transmitter.sendText(text, fds)
    } catch (error) {
      this.#releaseIfIdle()
      throw error
    }
  }

  /**
   * Submits a short text inside the call if it is alone in its tick, as those before it were. Returns the promise of its
   * send, or null if it has to be enqueued. Throws as {@link trySubmit} does.
   */
  submitAlone(text: string): Promise<void> | null {
    const noDelay = this.#noDelay
    if (!noDelay.usual || this.#scheduled || this.#requests.first !== null) return null
    if (noDelay.used || overBudget()) {
      noDelay.note(false)
      return null
    }
    try {
      return this.transmitter.sendText(text, null) ? noDelay.use() : null
    } catch (error) {
      this.#releaseIfIdle()
      throw error
    }
  }

  /**
   * Submits a short text on a byte stream inside the call; false if a request is queued, or the channel is full. The kernel
   * may have only a part of it then: the rest is pending.
   */
  tryStream(text: string): boolean {
    try {
      if (!this.transmitter.streamText(text)) return false
    } catch (error) {
      this.#releaseIfIdle()
      throw error
    }
    if (this.#requests.first !== null) {
      notePending(this)
      this.pump()
    }
    return true
  }

  /** Queues a request and sends what can be sent without waiting. */
  submit(request: SendRequest): void {
    if (this.#add(request) && !this.transmitter.blocked) this.pump()
  }

  /**
   * Submits a request whole or not at all, without waiting: false if the channel is full, or a long message does not fit
   * into a side stream's buffer.
   */
  trySubmitWhole(request: SendRequest): boolean {
    this.transmitter.pumpSides(true)
    if (this.#requests.first !== null && !this.pump(true)) return false
    if (request.longBytes > 0 && this.limits.packets && this.transmitter.disconnected === null) {
      if (!this.transmitter.prepare(request) && !socket.hungUp(this.#descriptor.fd)) return false
    }
    this.submit(request)
    if (request.error !== undefined) throw request.error
    return request.settled || !this.withdraw(request, NOT_SENT)
  }

  /** Withdraws a request, unless there is room for it by now: after a busy period Node runs timers before it polls. */
  giveUp(request: SendRequest, reason: unknown): void {
    if (this.#later || this.transmitter.waitsForRoom) this.pumpAll()
    this.withdraw(request, reason)
  }

  /** Withdraws a request; false if the kernel has part of its write. */
  withdraw(request: SendRequest, reason: unknown): boolean {
    const withdrawn = this.transmitter.withdraw(request, reason)
    this.#releaseIfIdle()
    return withdrawn
  }

  /** Sends what the kernel takes without waiting. True if the queue is empty afterwards. */
  pump(overBudgetToo = false): boolean {
    this.#open = null
    const stopped = this.transmitter.transmit(overBudgetToo)
    if (stopped === DONE) this.#releaseIfIdle()
    else if (stopped === OVER_BUDGET) this.#schedule(true)
    return stopped === DONE
  }

  /** Sends, blocking in the kernel, until `request` is settled or the time is over; the thread's other senders go on too. */
  pumpUntil(request: SendRequest, deadline: number): void {
    for (;;) {
      this.pumpAll()
      const left = deadline - now()
      if (request.settled || left <= 0) return
      handOver()
      if (request.settled) return
      socket.wait(this.waitsFor(), socket.POLLOUT, Math.min(left, ROOM_SLICE_MS))
    }
  }

  /** Sends what the kernel takes without waiting, of long messages too. */
  pumpAll(): void {
    this.pump(true)
    this.transmitter.pumpSides()
  }

  get waitsForRoom(): boolean {
    return this.transmitter.waitsForRoom
  }

  /** The descriptors that must become writable before `pumpAll` can do more. */
  waitsFor(): number[] {
    return this.transmitter.waitsFor()
  }

  /** Resolves once the kernel has everything queued by now; rejects with the first failure. */
  flush(): Promise<void> {
    const running = [...(this.#running ?? [])]
    for (const each of running) each.told = true
    return quietBut(this.#allOf(running, this.transmitter.settled()), (error) =>
      running.some(({ failure, isCallers }) => failure?.error === error && isCallers(error))
    )
  }

  async #allOf(running: readonly Running[], waiting: readonly Promise<unknown>[]): Promise<void> {
    const settled = Promise.allSettled(waiting)
    for (const each of running) await each.ended
    const failure = running.find((each) => each.failure !== undefined)?.failure
    if (failure !== undefined) throw failure.error
    const failed = (await settled).find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /**
   * Begins a `sendAll`; `flush` and `close` wait for it from before it begins, as its iterable may call them. Its rejection
   * is quiet, unless the error is the caller's own and no `flush` waits that rejects with it.
   */
  track(begin: () => Promise<number>, isCallers: (error: unknown) => boolean): Promise<number> {
    let end: () => void = ignore
    const running: Running = {
      ended: new Promise((resolve) => (end = resolve)),
      failure: undefined,
      told: false,
      isCallers,
    }
    this.#running ??= new Set()
    this.#running.add(running)
    const done = () => {
      this.#running?.delete(running)
      end()
      this.#releaseIfIdle()
    }
    const result = begin()
    result.then(done, (error) => {
      running.failure = { error }
      done()
    })
    return quietBut(result, (error) => !running.told && isCallers(error))
  }

  /** How many calls of `sendAll` are not finished. */
  get running(): number {
    return this.#running?.size ?? 0
  }

  /** Closes the descriptor as soon as nothing is pending. */
  close(): void {
    this.transmitter.endWaits()
    this.#releaseIfIdle()
  }

  /** Called by the poller: the channel takes more, or its other end is gone. */
  onReady(): void {
    if (this.transmitter.blocked) {
      this.transmitter.unblock()
      this.pump()
    } else if (socket.hungUp(this.#descriptor.fd)) {
      this.#fail(disconnectedError('Sender'))
    }
  }

  /** Called by the poller. */
  onFailure(error: unknown): void {
    this.#fail(error as WormholeError)
  }

  runScheduled(): void {
    this.#scheduled = false
    this.#later = false
    this.#eagerPosts = EAGER_POSTS
    const { first } = this.#requests
    this.#noDelay.note(first !== null && first.next === null && first.count === 1)
    if (!this.transmitter.blocked) this.pump()
  }

  #add(request: SendRequest): boolean {
    if (this.transmitter.disconnected !== null) {
      request.settle(this.transmitter.disconnected)
      return false
    }
    if (this.#descriptor.fd < 0) {
      request.settle(closedError('Sender'))
      return false
    }
    if (this.#requests.first === null) notePending(this)
    this.#requests.push(request)
    flushIfExiting()
    return !request.settled
  }

  /** Sends at the end of this tick; if over budget, after a yield to the loop: awaiting only sends never leaves the tick. */
  #schedule(later = overBudget()): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#later = later
    if (later) void yieldToLoop().then(() => this.runScheduled())
    else nextTick(runScheduled, this)
  }

  /** Releases, if nothing is pending, what was held for it. */
  #releaseIfIdle(): void {
    if (this.#requests.first === null) {
      this.transmitter.unblock()
      endWait(this.end.counters, this.end, 'waits no longer')
    }
    if (!this.transmitter.idle) return
    forgetPending(this)
    if (this.end.life !== OPEN && this.running === 0) {
      closeEnd(this.end, this.#descriptor, this.transmitter.disconnected === null ? 'closed' : 'ended')
    }
  }

  /** Called by the side streams: a long message was sent, or has failed. */
  onSideEnded(): void {
    if (this.#requests.first !== null && !this.transmitter.blocked) this.#schedule()
    this.#releaseIfIdle()
  }

  /** Fails everything queued: nothing more can be sent. */
  #fail(error: WormholeError): void {
    this.transmitter.fail(error)
    this.#releaseIfIdle()
  }
}

function ignore(): void {}

function runScheduled(queue: SendQueue): void {
  queue.runScheduled()
}
