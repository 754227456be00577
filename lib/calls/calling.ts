import { onAbort } from '../core/abort.js'
import { after } from '../core/clock.js'
import { WormholeError } from '../core/errors.js'
import { Promise, setImmediate } from '../core/globals.js'
import { List } from '../core/list.js'
import { NumberedSet } from '../core/numbered.js'
import { millisecondsOf, signalOf } from '../core/options.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import type { Poster } from '../send/send-request.js'
import { outcomeOf } from './answers.js'
import { assertSendable, Call, type CallOptions, type HandlerName } from './call.js'
import type { Exchange } from './exchange.js'
import { type Arrived, FIRST_WINDOW, type Form, type Request, requestText } from './forms.js'
import { closeAll } from './with-fds.js'

/** The calls that this side of a link makes. */
export class Calling implements Poster {
  readonly eager = true
  readonly #connection: Exchange
  readonly #calls = new NumberedSet<Call>()
  /** Calls that wait for room in the other side's window. */
  readonly #waiting = new List<Call>()
  #lastId = 0
  /** Calls that the other side has not answered, including cancelled ones. */
  #unanswered = 0
  #window = FIRST_WINDOW
  /** Whether the other side limits its concurrency: then it must know which calls are made within its own. */
  bounded = false

  constructor(connection: Exchange) {
    this.#connection = connection
  }

  /** Whether any call waits to be sent or answered. */
  get busy(): boolean {
    return this.#calls.size > 0
  }

  /** Whether a call of ours is under way. */
  has(id: unknown): boolean {
    return this.#calls.get(id) !== undefined
  }

  call(handler: HandlerName, input: unknown, options: CallOptions | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { name } = handler
      const signal = signalOf(options, name)
      signal?.throwIfAborted()
      const timeout = millisecondsOf(options?.timeout)
      const { fds, onProgress } = options ?? {}
      assertSendable(input, { fds, onProgress })
      this.#connection.start()
      const call = new Call(++this.#lastId, handler, input, fds, onProgress, resolve, reject)
      const within = this.#connection.within()
      if (within !== undefined || this.#unanswered < this.#window) this.#send(call, within)
      else this.#waiting.push(call)
      this.#calls.add(call)
      this.#connection.keepAlive()
      if (timeout !== Number.POSITIVE_INFINITY) {
        // An answer that has arrived wins: after a long busy spell Node runs timers before it polls.
        call.unschedule = after(timeout, () => setImmediate(() => this.#abort(call, () => overdue(name, timeout))))
      }
      if (signal !== undefined) call.unlisten = onAbort(signal, () => this.#abort(call, () => signal.reason))
    })
  }

  /** Sends the call. Throws what the sender throws synchronously. */
  #send(call: Call, within: number | undefined): void {
    const { id, handler, input, fds } = call
    const { sender } = this.#connection.link
    if (fds === undefined) sender.post(requestText(id, handler.json, input, within), this, id)
    else {
      const request: Request = { call: id, name: handler.name, input }
      if (within !== undefined) request.within = within
      sender.sendWithFds(request, fds).catch((error: unknown) => this.onUnsent(id, error))
    }
    this.#unanswered++
  }

  /** Fails a call whose request was not sent. */
  onUnsent(id: number, error: unknown): void {
    this.#unanswered--
    this.#take(id)?.fail(error)
    this.#sendWaiting()
  }

  #abort(call: Call, reason: () => unknown): void {
    if (this.#take(call.id) === undefined) return
    const sent = call.list === null
    this.#waiting.remove(call)
    if (sent) this.#connection.say({ cancel: call.id } satisfies Form)
    call.fail(reason())
  }

  #take(id: unknown): Call | undefined {
    const call = this.#calls.take(id)
    if (call !== undefined && this.#calls.size === 0) this.#connection.idle()
    return call
  }

  onWindow(window: unknown): void {
    if (window === null) this.#window = Number.POSITIVE_INFINITY
    else if (typeof window === 'number' && window >= 1) this.#window = window
    else return
    this.bounded = window !== null
    this.#sendWaiting()
  }

  onProgress(form: Arrived): void {
    this.#calls.get(form.progress)?.progress(form.value)
  }

  /** @param failure why the answer's descriptors were lost */
  onAnswer(form: Arrived, fds: readonly OwnedFd[], failure?: WormholeError): void {
    const call = this.#take(form.answer)
    // Cancelled calls count too. An answer to a call never made lets us exceed the window: one call then waits there.
    if (this.#unanswered > 0) this.#unanswered--
    if (call === undefined) closeAll(fds)
    else if (failure !== undefined) call.fail(failure)
    else call.settle(outcomeOf(form, fds, () => `the handler "${call.handler.name}"`))
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    while (this.#unanswered < this.#window) {
      const call = this.#waiting.shift()
      if (call === null) return
      try {
        this.#send(call, undefined)
      } catch (error) {
        this.#take(call.id)?.fail(error)
      }
    }
  }

  /** Fails all calls: the link has ended. */
  end(error: () => WormholeError): void {
    for (const call of this.#calls.all()) {
      this.#calls.delete(call)
      this.#waiting.remove(call)
      call.fail(error())
    }
  }
}

function overdue(name: string, timeout: number): WormholeError {
  return new WormholeError('ERR_WORMHOLE_TIMEOUT', `the call "${name}" was not answered within ${timeout} ms`)
}
