import type { WormholeError } from '../core/errors.js'
import { getBuiltinModule } from '../core/globals.js'
import { pause } from '../core/pause.js'
import { Acknowledgements } from './acknowledgements.js'
import { apiCode, isAnswer } from './client.js'
import { unlessInterrupted } from './connection-watch.js'
import { Continuity } from './continuity.js'
import { COUNT } from './packet.js'
import type { Remote } from './remote.js'
import { refused, streamGone } from './server-error.js'
import { streamOf } from './stream.js'

/** The header by which the stream knows a packet again. */
const ID = 'Nats-Msg-Id'
/** How long one attempt waits for the acknowledgement. */
const ATTEMPT_MS = 5000
/** The first pause between attempts, and the longest. */
const MIN_PAUSE_MS = 10
const MAX_PAUSE_MS = 1000
/** The stream could not store it; the description says why. */
const STORE_FAILED = 10077

/** Why a packet was not taken: the stream is full, or an error that trying again does not cure. */
export type Refusal = 'full' | WormholeError

/** Publishes packets, each under an id of its own, which a retry keeps: the stream drops what it has already. */
export class PacketPublisher {
  readonly #remote: Remote
  readonly #acknowledgements: Acknowledgements
  readonly #continuity: Continuity
  readonly #onRetry: () => void
  readonly #id = getBuiltinModule('node:crypto').randomBytes(9).toString('base64url')
  #count = 0

  constructor(remote: Remote, onRetry: () => void) {
    this.#remote = remote
    this.#onRetry = onRetry
    this.#acknowledgements = new Acknowledgements(remote)
    this.#continuity = new Continuity(remote)
  }

  /** Resolves to null once the stream has the packet. @param id of its own, if another process may publish it too */
  async publish(bytes: Uint8Array, messages: number, id = this.#nextId()): Promise<Refusal | null> {
    const { watch, client } = this.#remote
    let wait = MIN_PAUSE_MS
    for (;;) {
      try {
        const headers = client.headers()
        if (messages > 1) headers.set(COUNT, String(messages))
        headers.set(ID, id)
        if (this.#continuity.checking !== null) await this.#continuity.checking
        const number = await this.#acknowledgements.publish(bytes, headers, ATTEMPT_MS)
        await this.#continuity.stored(number)
        return null
      } catch (error) {
        if (watch.error !== null) return watch.error
        const refusal = await this.#refusal(error)
        if (refusal !== null) return refusal
        void this.#continuity.check()
      }
      this.#onRetry()
      await pause(wait)
      wait = Math.min(2 * wait, MAX_PAUSE_MS)
    }
  }

  /** Nothing more is to be published. */
  close(): void {
    this.#acknowledgements.close()
    this.#continuity.stop()
  }

  #nextId(): string {
    this.#count++
    return `${this.#id}-${this.#count}`
  }

  /** Returns what is wrong; null if nothing is known to be: then the packet is tried again. */
  async #refusal(error: unknown): Promise<Refusal | null> {
    const remote = this.#remote
    const code = apiCode(error)
    if (code === STORE_FAILED && /maximum (messages|bytes)/.test((error as Error).message)) return 'full'
    if (isAnswer(error)) return refused(`the stream ${remote.stream} refuses a packet`, error)
    try {
      // The server is up, or starts again: is the stream there?
      if ((await unlessInterrupted(remote.watch, streamOf(remote))) === undefined) return streamGone(remote, error)
    } catch {}
    return null
  }
}
