import { AbortController } from '../core/globals.js'
import type { Numbered } from '../core/numbered.js'
import type { OwnedFd } from '../fd/owned-fd.js'

/**
 * The second argument of a handler, after its input.
 *
 * @example
 * import { type CallContext, serve } from 'wormhole-ipc/calls'
 *
 * const count = async (to: number, { signal, progress }: CallContext) => {
 *   for (let n = 0; n < to && !signal.aborted; n++) progress(n)
 * }
 * await serve(link, { count })
 */
export interface CallContext {
  /** Aborts when the caller's signal or timeout ends the call, when the caller is gone, or when serving stops. */
  readonly signal: AbortSignal
  /** Sends the caller a value; does nothing once the handler is done. @throws ERR_WORMHOLE_UNSERIALIZABLE */
  progress(value: unknown): void
  /** The call's descriptors, which the handler must close. If it never reads them here, they are closed after it. */
  readonly fds: OwnedFd[]
}

/** One request whose handler runs. */
export class Handling implements CallContext, Numbered<Handling> {
  readonly id: number
  alike: Handling | null = null
  readonly #say: (value: unknown) => void
  readonly #fds: OwnedFd[]
  #taken = false
  #controller: AbortController | undefined
  #abortedFor: { reason: unknown } | undefined
  /** Whether it was made within a call of ours, and so does not count against the limit. */
  readonly extra: boolean
  /** Whether the caller no longer waits for the output. */
  cancelled = false
  done = false

  constructor(id: number, fds: OwnedFd[], extra: boolean, say: (value: unknown) => void) {
    this.id = id
    this.#fds = fds
    this.extra = extra
    this.#say = say
  }

  get signal(): AbortSignal {
    // Made on first use: few handlers read it.
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortedFor !== undefined) this.#controller.abort(this.#abortedFor.reason)
    }
    return this.#controller.signal
  }

  get fds(): OwnedFd[] {
    this.#taken = true
    return this.#fds
  }

  /** A function rather than a method, as handlers take it out of the context. */
  get progress(): (value: unknown) => void {
    return this.#say
  }

  abort(reason: unknown): void {
    this.#abortedFor ??= { reason }
    this.#controller?.abort(reason)
  }

  finish(): void {
    this.done = true
    if (!this.#taken) for (const fd of this.#fds) fd.close()
  }
}
