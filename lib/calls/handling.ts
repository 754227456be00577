import { AbortController } from '../core/globals.js'
import type { OwnedFd } from '../fd/owned-fd.js'

/**
 * What a handler gets beside its input.
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
  /** Aborts when the caller no longer waits: its signal, its timeout, its end; or when serving is stopped. */
  readonly signal: AbortSignal
  /** Sends the caller a value before the output. Once the handler is done it does nothing. @throws ERR_WORMHOLE_UNSERIALIZABLE */
  progress(value: unknown): void
  /** The call's descriptors, the handler's to close. Those of a handler that never asks for them are closed after it. */
  readonly fds: OwnedFd[]
}

/** One request that a handler works at. */
export class Handling implements CallContext {
  readonly id: number
  readonly #say: (value: unknown) => void
  readonly #fds: OwnedFd[]
  #taken = false
  #controller: AbortController | undefined
  #abortedFor: { reason: unknown } | undefined
  /** Whether it runs within a call of ours, and so beyond the limit. */
  readonly extra: boolean
  /** Whether the caller wants no output any more. */
  cancelled = false
  done = false

  constructor(id: number, fds: OwnedFd[], extra: boolean, say: (value: unknown) => void) {
    this.id = id
    this.#fds = fds
    this.extra = extra
    this.#say = say
  }

  get signal(): AbortSignal {
    // Made where it is asked for: few handlers look at it.
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

  /** A function of its own, as handlers take it out of the context. */
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
