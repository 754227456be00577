import { type Cargo, Frames, frame, HeaderOnly, LongText } from './cargo.js'
import type { Descriptor } from './descriptor.js'
import { systemError, WormholeError } from './errors.js'
import { forgetPending, notePending } from './exit.js'
import { HEADER_BYTES, OUTBOX_BYTES, OUTBOX_UNITS } from './framing.js'
import { List, ListItem } from './list.js'
import type { Settings } from './options.js'
import { unwatchNow, watch } from './poller.js'
import { SideWriter } from './side-writer.js'
import * as socket from './socket.js'
import type { Transfer } from './transfer.js'
import { nextTurn, turnIsOver } from './turn.js'

/** UTF-16 units of text that share a packet: past 16 KiB a packet gains little (docs/performance.md). */
const BATCH_UNITS = 16 * 1024
/** Units that may gather in one tick before they are sent within it. */
const EAGER_UNITS = 4 * BATCH_UNITS
/** Long messages that may be under way at once; the next one waits in the queue. */
const MOST_SIDE_STREAMS = 8
/** How long a blocking wait lasts before JavaScript looks up: a worker that is terminated ends then. */
const WAIT_SLICE_MS = 100

/** Messages that were handed to `send` together and succeed or fail together. */
export class Entry extends ListItem<Entry> {
  settled = false
  error: WormholeError | undefined
  /** A side stream that already holds the whole of a long message. */
  prepared: SideWriter | null = null
  promise: Promise<void> | null = null
  #resolve: (() => void) | null = null
  #reject: ((error: unknown) => void) | null = null

  /**
   * @param batch the messages' texts, each behind a placeholder; one text without it when `longBytes` is set
   * @param count how many messages
   * @param longBytes the bytes of a message that does not go through the outbox in one piece; 0 otherwise
   */
  constructor(
    public batch: string,
    readonly count: number,
    public longBytes: number,
    readonly transfer: Transfer | null
  ) {
    super()
  }

  /** The promise of what becomes of it. Nobody need look: an unseen rejection is not reported globally. */
  wait(): Promise<void> {
    this.promise ??= new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    return this.promise
  }

  settle(error?: unknown): void {
    if (this.settled) return
    this.settled = true
    this.batch = ''
    if (error === undefined) {
      this.transfer?.accepted()
      this.#resolve?.()
      return
    }
    this.error = error as WormholeError
    this.transfer?.refused()
    this.promise?.catch(ignore)
    this.#reject?.(error)
  }
}

/** Why a message was taken back that could not be sent at once. */
const NOT_SENT = new Error('not sent')

function ignore(): void {}

/** Counts what the kernel has taken. */
export interface SendCounters {
  messages: number
  bytes: number
  packets: number
  fds: number
  waits: number
}

/** What one sender has yet to hand to the kernel, in order, and the handing over. */
export class SendQueue {
  readonly #descriptor: Descriptor
  readonly #settings: Settings
  readonly #counters: SendCounters
  readonly #packets: boolean
  readonly #entries = new List<Entry>()
  #sides: Map<SideWriter, Entry> | null = null
  /** The longest packet, headers included; on a SOCK_STREAM socket what goes through the outbox at once. */
  #longest: number
  #units = 0
  /** How many entries, from the first on, are in `#cargo`. */
  #loaded = 0
  #cargo: Cargo | null = null
  #side: SideWriter | null = null
  #scheduled = false
  #blocked = false
  #closing = false
  #keepsAlive = true
  disconnected: WormholeError | null = null

  constructor(descriptor: Descriptor, type: number, settings: Settings, counters: SendCounters) {
    this.#descriptor = descriptor
    this.#settings = settings
    this.#counters = counters
    this.#packets = type === socket.SOCK_SEQPACKET
    this.#longest = this.#readLongest()
  }

  /** Messages that the kernel has not yet taken whole. */
  get pending(): number {
    let count = 0
    for (let entry = this.#entries.first; entry !== null; entry = entry.next) count += entry.count
    return count + (this.#sides?.size ?? 0)
  }

  get idle(): boolean {
    return this.#entries.first === null && (this.#sides === null || this.#sides.size === 0)
  }

  get coalesce(): boolean {
    return this.#settings.coalesce
  }

  /** Whether the channel is full and entries wait for it. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Most descriptors of one message: a long one needs room for the reading end of its side stream. */
  mostFds(longBytes: number): number {
    return longBytes > 0 && this.#packets ? socket.SCM_MAX_FD - 1 : socket.SCM_MAX_FD
  }

  /** Units of text, placeholders included, that surely fit one packet together. */
  get batchUnits(): number {
    return Math.min(BATCH_UNITS, Math.floor(this.#longest / 3))
  }

  /** Checks one message's text against the limits and makes its entry. */
  entry(text: string, transfer: Transfer | null): Entry {
    const { maxMessageBytes } = this.#settings
    const sure = 3 * text.length + HEADER_BYTES
    if (sure <= this.#longest && sure <= maxMessageBytes) return new Entry(frame(text), 1, 0, transfer)
    const bytes = Buffer.byteLength(text)
    if (bytes > maxMessageBytes) {
      throw new WormholeError(
        'ERR_WORMHOLE_TOO_LARGE',
        `a message of ${bytes} bytes is longer than maxMessageBytes (${maxMessageBytes})`
      )
    }
    const long = bytes + HEADER_BYTES > this.#longest || text.length > OUTBOX_UNITS
    return long ? new Entry(text, 1, bytes, transfer) : new Entry(frame(text), 1, 0, transfer)
  }

  /** Queues an entry; it is sent at the end of this tick, or at once when much has gathered. */
  push(entry: Entry): void {
    if (this.disconnected !== null) {
      entry.settle(this.disconnected)
      return
    }
    if (this.#entries.first === null) notePending(this)
    this.#entries.push(entry)
    this.#units += entry.batch.length
    if (this.#blocked) return
    if (this.#units >= EAGER_UNITS) this.pump()
    else if (!this.#scheduled) {
      this.#scheduled = true
      process.nextTick(runScheduled, this)
    }
  }

  /** Takes an entry back that is not under way; false when it is. */
  withdraw(entry: Entry, reason: unknown): boolean {
    if (entry.settled) return true
    for (const [side, owner] of this.#sides ?? []) {
      if (owner === entry) {
        side.abandon(reason as WormholeError)
        return true
      }
    }
    if (this.#isLoaded(entry)) {
      if (this.#cargo?.begun) return false
      this.#unload()
    }
    this.#remove(entry)
    entry.settle(reason)
    this.#rest()
    return true
  }

  /**
   * Hands over everything or nothing, without waiting: false when the channel is full, or when a long
   * message is longer than a side stream's buffer.
   */
  tryPush(entry: Entry): boolean {
    if (this.#entries.first !== null && !this.pump()) return false
    if (entry.longBytes > 0 && this.#packets && this.disconnected === null) {
      const side = new SideWriter(entry.batch, this.#descriptor)
      side.write()
      if (!side.finished) {
        side.abandon()
        return false
      }
      entry.prepared = side
    }
    this.push(entry)
    if (!entry.settled) this.pump()
    if (entry.error !== undefined) throw entry.error
    if (entry.settled || !this.withdraw(entry, NOT_SENT)) return true
    return false
  }

  /** Hands over what the kernel takes without waiting. True when the queue is empty afterwards. */
  pump(evenIfTurnIsOver = false): boolean {
    while (this.#entries.first !== null) {
      if (!this.#load(this.#entries.first)) return false
      const cargo = this.#cargo as Cargo
      cargo.load()
      const { length } = cargo
      const result = socket.send(this.#descriptor.fd, cargo.at, length, this.#fdsToSend(cargo))
      if (result === socket.EAGAIN) {
        this.#block()
        return false
      }
      if (result < 0) {
        if (!this.#explain(result)) return true
        continue
      }
      this.#counters.packets++
      this.#counters.bytes += result
      if (cargo.advance(result)) this.#complete()
      if (this.#entries.first !== null && !evenIfTurnIsOver && turnIsOver()) {
        this.#yield()
        return false
      }
    }
    this.#rest()
    return true
  }

  /** The same, waiting in the kernel until `entry` is settled, or all there is, or the time is over. */
  pumpUntil(entry: Entry | null, deadline: number): void {
    for (;;) {
      this.pump(true)
      if (entry === null ? this.idle : entry.settled) return
      for (const side of this.#sides?.keys() ?? []) side.onReady()
      if (entry === null ? this.idle : entry.settled) return
      const left = deadline - performance.now()
      if (left <= 0) return
      const side = this.#sides?.keys().next().value
      const waitsForSide = side !== undefined && (this.#entries.first === null || !this.#blocked)
      const fd = waitsForSide ? side.fd : this.#descriptor.fd
      socket.wait(fd, socket.POLLOUT, Math.min(left, WAIT_SLICE_MS))
    }
  }

  /** Resolves when everything queued by now is with the kernel; rejects with the first failure. */
  async flush(): Promise<void> {
    const waiting: Promise<void>[] = []
    for (let entry = this.#entries.first; entry !== null; entry = entry.next) waiting.push(entry.wait())
    for (const entry of this.#sides?.values() ?? []) waiting.push(entry.wait())
    const failed = (await Promise.allSettled(waiting)).find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** Closes the descriptor as soon as nothing is pending. */
  close(): void {
    this.#closing = true
    this.#rest()
  }

  setKeepsAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    if (this.#blocked) watch(this.#descriptor.fd, socket.POLLOUT, this, keepsAlive)
    for (const side of this.#sides?.keys() ?? []) side.setKeepsAlive(keepsAlive)
  }

  onReady(): void {
    this.#unblock()
    this.pump()
  }

  runScheduled(): void {
    this.#scheduled = false
    if (!this.#blocked) this.pump()
  }

  #isLoaded(entry: Entry): boolean {
    let candidate = this.#entries.first
    for (let index = 0; index < this.#loaded && candidate !== null; index++) {
      if (candidate === entry) return true
      candidate = candidate.next
    }
    return false
  }

  /** Readies the first entries as cargo; false when they must wait. */
  #load(first: Entry): boolean {
    if (this.#cargo !== null) return true
    if (first.longBytes > 0) return this.#loadLong(first)
    let batch = first.batch
    this.#loaded = 1
    if (this.#settings.coalesce && first.transfer === null) {
      const most = this.batchUnits
      for (let next = first.next; next !== null; next = next.next) {
        if (next.transfer !== null || next.longBytes > 0 || batch.length + next.batch.length > most) break
        batch += next.batch
        this.#loaded++
      }
    }
    this.#cargo = new Frames(batch)
    return true
  }

  #loadLong(first: Entry): boolean {
    if (!this.#packets) {
      this.#cargo = new LongText(first.batch, first.longBytes)
      this.#loaded = 1
      return true
    }
    if (this.#sides !== null && this.#sides.size >= MOST_SIDE_STREAMS) return false
    try {
      this.#side = first.prepared ?? new SideWriter(first.batch, this.#descriptor)
      this.#side.write()
    } catch (error) {
      this.#side?.abandon()
      this.#side = null
      this.#remove(first)
      first.settle(error)
      return this.#entries.first !== null && this.#load(this.#entries.first)
    }
    this.#cargo = new HeaderOnly(first.longBytes)
    this.#loaded = 1
    return true
  }

  #fdsToSend(cargo: Cargo): number[] | null {
    if (cargo.begun) return null
    const fds = this.#entries.first?.transfer?.fds ?? null
    if (this.#side === null) return fds
    return fds === null ? [this.#side.reader.fd] : [...fds, this.#side.reader.fd]
  }

  /** The kernel has all of the cargo. */
  #complete(): void {
    const side = this.#side
    const loaded = this.#loaded
    this.#cargo = null
    this.#side = null
    this.#loaded = 0
    for (let index = 0; index < loaded; index++) {
      const entry = this.#entries.first as Entry
      this.#remove(entry)
      this.#counters.messages += entry.count
      this.#counters.bytes -= entry.count * HEADER_BYTES
      this.#counters.fds += entry.transfer?.fds.length ?? 0
      if (side === null) entry.settle()
      else this.#follow(side, entry)
    }
  }

  /** The header of a long message is with the kernel; its payload goes on beside what comes next. */
  #follow(side: SideWriter, entry: Entry): void {
    const bytes = entry.longBytes
    entry.transfer?.accepted()
    this.#sides ??= new Map()
    this.#sides.set(side, entry)
    side.start(this.#keepsAlive, (error) => {
      this.#sides?.delete(side)
      this.#counters.bytes += bytes
      entry.settle(error)
      if (this.#entries.first !== null && !this.#blocked && !this.#scheduled) {
        this.#scheduled = true
        process.nextTick(runScheduled, this)
      }
      this.#rest()
    })
  }

  #remove(entry: Entry): void {
    this.#units -= entry.batch.length
    this.#entries.remove(entry)
  }

  #unload(): void {
    this.#side?.abandon()
    this.#side = null
    this.#cargo = null
    this.#loaded = 0
  }

  #block(): void {
    this.#counters.waits++
    this.#blocked = true
    watch(this.#descriptor.fd, socket.POLLOUT, this, this.#keepsAlive)
  }

  #unblock(): void {
    if (!this.#blocked) return
    this.#blocked = false
    unwatchNow(this.#descriptor.fd)
  }

  #yield(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    void nextTurn().then(() => this.runScheduled())
  }

  /** Nothing may be left to do: then lets go of what was held for it. */
  #rest(): void {
    if (this.#entries.first === null) this.#unblock()
    if (!this.idle) return
    forgetPending(this)
    if (this.#closing) this.#descriptor.close()
  }

  /** Deals with a failed sendmsg; false when the channel is at its end. */
  #explain(errno: number): boolean {
    if (errno === socket.EPIPE || errno === socket.ECONNRESET) {
      const details = { errno, syscall: 'sendmsg' }
      this.#fail(new WormholeError('ERR_WORMHOLE_DISCONNECTED', 'every receiving end of the channel is gone', details))
      return false
    }
    if (errno === socket.EMSGSIZE && this.#shrink()) return true
    const torn = this.#cargo?.begun === true
    const error = systemError('sendmsg', errno, `cannot send on descriptor ${this.#descriptor.fd}`)
    const loaded = this.#loaded
    this.#unload()
    for (let index = 0; index < loaded; index++) {
      const entry = this.#entries.first as Entry
      this.#remove(entry)
      entry.settle(error)
    }
    if (torn) this.#fail(error)
    return !torn
  }

  /** No more can be sent: everything pending fails, and the descriptor has no further use. */
  #fail(error: WormholeError): void {
    this.disconnected = error
    this.#unload()
    for (let entry = this.#entries.shift(); entry !== null; entry = this.#entries.shift()) entry.settle(error)
    this.#units = 0
    this.#unblock()
    this.#rest()
    if (this.idle) this.#descriptor.close()
    else this.#closing = true
  }

  #readLongest(): number {
    return this.#packets ? Math.min(socket.longestPacket(this.#descriptor.fd), OUTBOX_BYTES) : OUTBOX_BYTES
  }

  /** Somebody made SO_SNDBUF smaller: sorts the first entries anew. False when that explains nothing. */
  #shrink(): boolean {
    const before = this.#longest
    this.#longest = this.#readLongest()
    if (this.#longest >= before) return false
    const loaded = this.#loaded
    this.#unload()
    let entry = this.#entries.first
    for (let index = 0; index < loaded && entry !== null; index++) {
      const { next } = entry
      if (entry.longBytes === 0 && entry.count === 1) {
        const bytes = Buffer.byteLength(entry.batch) - HEADER_BYTES
        if (bytes + HEADER_BYTES > this.#longest) {
          entry.batch = entry.batch.slice(HEADER_BYTES)
          entry.longBytes = bytes
        }
      }
      entry = next
    }
    return true
  }
}

function runScheduled(queue: SendQueue): void {
  queue.runScheduled()
}
