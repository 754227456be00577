import type { WormholeError } from '../core/errors.js'
import { Buffer, Promise, queueMicrotask } from '../core/globals.js'
import { List, ListItem } from '../core/list.js'
import { rejected } from '../core/promises.js'
import type { Transfer } from '../fd/transfer.js'
import { frame, PLACEHOLDER } from '../wire/outbox.js'
import { HEADER_BYTES } from '../wire/wasm.js'
import type { SideWriter } from './side-writer.js'

/** Posts messages without a promise for each, and is told the numbers of those that were not sent. */
export interface Poster {
  /** Whether the other side answers its messages one by one, so that the first should leave before the last are made. */
  readonly eager: boolean
  onUnsent(id: number, error: unknown): void
}

/** Messages that were submitted together, and succeed or fail together. */
export class SendRequest extends ListItem<SendRequest> {
  settled = false
  error: WormholeError | undefined
  /** The descriptors that go with it. */
  transfer: Transfer | null = null
  /** A side stream that already holds the whole of a long message. */
  prepared: SideWriter | null = null
  /** Who posted its messages, if nobody has its promise, and their numbers. */
  posted: { by: Poster; ids: number[] } | null = null
  #promise: Promise<void> | null = null
  #resolve: (() => void) | null = null
  #reject: ((error: unknown) => void) | null = null

  /**
   * @param batch the messages' texts, each after a placeholder; of a long message the bare text
   * @param count how many messages
   * @param longBytes the bytes of a message too long for one packet; 0 for all others
   * @param sizedFor the packet limit that `longBytes` was decided for
   */
  constructor(
    public batch: string,
    public count: number,
    public longBytes: number,
    public sizedFor: number
  ) {
    super()
  }

  /** Decides again whether a single message is too long: the packet limit has changed. */
  resize(longest: number): void {
    this.sizedFor = longest
    if (this.longBytes > 0 || this.count > 1) return
    const bytes = Buffer.byteLength(this.batch) - HEADER_BYTES
    if (bytes + HEADER_BYTES <= longest) return
    this.batch = this.batch.slice(PLACEHOLDER.length)
    this.longBytes = bytes
  }

  /** Resolves once it is sent, rejects if it fails. An unseen rejection is not reported globally. */
  wait(): Promise<void> {
    if (this.settled && this.#promise === null) {
      return this.error === undefined ? Promise.resolve() : rejected(this.error)
    }
    this.#promise ??= new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    return this.#promise
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
    this.prepared?.abandon()
    this.transfer?.refused()
    this.#promise?.catch(ignore)
    this.#reject?.(error)
    if (this.posted !== null) tellUnsent(this.posted.by, this.posted.ids, error)
  }
}

/** Tells a poster later: it may post more, while the queue still fails what it has. */
export function tellUnsent(poster: Poster, ids: readonly number[], error: unknown): void {
  queueMicrotask(() => {
    for (const id of ids) poster.onUnsent(id, error)
  })
}

function ignore(): void {}

/** The requests that a sender has yet to send, in order. */
export class RequestQueue extends List<SendRequest> {
  /** UTF-16 units of text, placeholders included. */
  units = 0

  get messages(): number {
    let count = 0
    for (let request = this.first; request !== null; request = request.next) count += request.count
    return count
  }

  override push(request: SendRequest): void {
    super.push(request)
    this.units += request.batch.length
  }

  /** Adds a message to the last request's batch. */
  extend(request: SendRequest, text: string): void {
    request.batch += frame(text)
    request.count++
    this.units += PLACEHOLDER.length + text.length
  }

  override remove(request: SendRequest): void {
    if (request.list !== this) return
    this.units -= request.batch.length
    super.remove(request)
  }

  /** Decides again whether a single message is too long, if the packet limit has changed. */
  resize(request: SendRequest, longest: number): void {
    if (request.sizedFor === longest) return
    this.units -= request.batch.length
    request.resize(longest)
    this.units += request.batch.length
  }

  /** Removes the first messages of a request's batch: they are sent. */
  shorten(request: SendRequest, units: number, messages: number): void {
    request.batch = request.batch.slice(units)
    request.count -= messages
    request.posted?.ids.splice(0, messages)
    this.units -= units
  }
}
