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

/** Sends what a handler reports while it runs. */
export interface Reporter {
  /** @throws ERR_WORMHOLE_UNSERIALIZABLE */
  progress(id: number, value: unknown): void
}

/** One request whose handler runs. */
export class Handling implements CallContext, Numbered<Handling> {
  readonly id: number
  alike: Handling | null = null
  readonly #reporter: Reporter
  #say: ((value: unknown) => void) | undefined
  readonly #fds: readonly OwnedFd[]
  /** The descriptors as the handler has them, once it has asked for them. */
  #taken: OwnedFd[] | undefined
  #controller: AbortController | undefined
  #abortedFor: { reason: unknown } | undefined
  /** Whether it was made within a call of ours, and so does not count against the limit. */
  readonly extra: boolean
  /** Whether the caller no longer waits for the output. */
  cancelled = false
  done = false

  constructor(id: number, fds: readonly OwnedFd[], extra: boolean, reporter: Reporter) {
    this.id = id
    this.#fds = fds
    this.extra = extra
    this.#reporter = reporter
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
    this.#taken ??= [...this.#fds]
    return this.#taken
  }

  /** A function rather than a method, as handlers take it out of the context. */
  get progress(): (value: unknown) => void {
    // Made on first use, as the signal is.
    this.#say ??= (value) => {
      if (!this.done && !this.cancelled) this.#reporter.progress(this.id, value)
    }
    return this.#say
  }

  abort(reason: unknown): void {
    this.#abortedFor ??= { reason }
    this.#controller?.abort(reason)
  }

  finish(): void {
    this.done = true
    if (this.#taken === undefined) for (const fd of this.#fds) fd.close()
  }
}
