import { toRecord } from '../core/carried-error.js'
import { disconnectedError, type WormholeError } from '../core/errors.js'
import { NumberedSet } from '../core/numbered.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import type { Poster } from '../send/send-request.js'
import { isLeftOut } from '../wire/json.js'
import { answerOf, type Outgoing, refusalOf, unsendable } from './answers.js'
import type { Exchange } from './exchange.js'
import { type Arrived, answerText } from './forms.js'
import { Handling } from './handling.js'
import { closeAll, closeMoved, WithFds } from './with-fds.js'

export type Handler = (input: unknown, context: Handling) => unknown

/** The arguments of `serve`. */
export interface Service {
  handlers: Record<string, Handler>
  concurrency: number
}

interface Held {
  form: Arrived
  fds: readonly OwnedFd[]
}

/** Requests that may be held while no handler may start; a caller that keeps to its window never has as many. */
const MAX_HELD = 256
/** Answers that may wait for a caller that does not read them; with more, no more requests are read. */
const MAX_UNREAD = 4096
/** Requests between two checks of how many answers wait. */
const LOOK_EVERY = 64

/** The calls that this side of a link answers. */
export class Serving implements Poster {
  readonly eager = true
  readonly #connection: Exchange
  #service: Service | undefined
  readonly #running = new NumberedSet<Handling>()
  readonly #held: Held[] = []
  /** The number of running handlers that count against `concurrency`. */
  #counted = 0
  #looks = 0

  constructor(connection: Exchange) {
    this.#connection = connection
  }

  get active(): boolean {
    return this.#service !== undefined
  }

  /** Whether to read no more requests for now. */
  get full(): boolean {
    return this.#held.length >= MAX_HELD
  }

  /** Whether the caller leaves too many answers unread; checked only now and then. */
  get unread(): boolean {
    if (++this.#looks % LOOK_EVERY !== 0) return false
    return this.#connection.link.sender.stats().queued > MAX_UNREAD
  }

  begin(service: Service): void {
    this.#service = service
    const { concurrency } = service
    // Twice: when a handler is done, the next request is already here.
    this.#connection.say({ window: concurrency === Number.POSITIVE_INFINITY ? null : 2 * concurrency })
    this.#next()
  }

  /** Starts no more handlers, and aborts those that run; they answer as they end. */
  stop(reason: unknown): void {
    this.#service = undefined
    for (const handling of this.#running.all()) handling.abort(reason)
  }

  /** Stops serving and drops what is held: the link has ended. */
  end(): void {
    this.stop(disconnectedError('Receiver'))
    for (const { fds } of this.#held.splice(0)) closeAll(fds)
  }

  onCancel(form: Arrived): void {
    const id = form.cancel
    const at = this.#held.findIndex((held) => held.form.call === id)
    if (at >= 0) {
      const [held] = this.#held.splice(at, 1)
      closeAll(held?.fds ?? [])
      this.#connection.say({ answer: id as number })
      return
    }
    const handling = this.#running.get(id)
    if (handling === undefined) return
    handling.cancelled = true
    handling.abort(new DOMException('The caller no longer waits for this call', 'AbortError'))
  }

  onRequest(form: Arrived, fds: readonly OwnedFd[]): void {
    const id = form.call
    if (typeof id !== 'number' || this.#running.get(id) !== undefined) {
      closeAll(fds)
      return
    }
    const extra = form.within !== undefined && this.#connection.calling.has(form.within)
    if (this.#service !== undefined && (extra || (this.#held.length === 0 && this.#room()))) {
      this.#run(this.#service, form, id, fds, extra)
    } else if (this.#held.length < MAX_HELD) this.#held.push({ form, fds })
    else {
      closeAll(fds)
      this.#refuse(id, 'ERR_WORMHOLE_BUSY', 'the other side has too many calls that wait')
    }
  }

  /** Refuses a request whose descriptors were lost. */
  onFailure(form: Arrived, error: WormholeError): void {
    if (typeof form.call === 'number' && this.#running.get(form.call) === undefined) {
      this.#refuse(form.call, error.code, error.message)
    }
  }

  #room(): boolean {
    return this.#service !== undefined && this.#counted < this.#service.concurrency
  }

  #next(): void {
    while (this.#held.length > 0 && this.#room()) {
      const { form, fds } = this.#held.shift() as Held
      this.#run(this.#service as Service, form, form.call as number, fds, false)
    }
    this.#connection.resume()
  }

  #run({ handlers }: Service, form: Arrived, id: number, fds: readonly OwnedFd[], extra: boolean): void {
    const { name } = form
    // Own properties only: a caller must not reach those of Object.prototype.
    const handler = typeof name === 'string' && Object.hasOwn(handlers, name) ? handlers[name] : undefined
    if (typeof handler !== 'function') {
      closeAll(fds)
      this.#refuse(id, 'ERR_WORMHOLE_NO_HANDLER', `there is no handler ${JSON.stringify(name)}`)
      return
    }
    const handling = new Handling(id, fds, extra, this.#connection)
    this.#running.add(handling)
    if (!extra) this.#counted++
    let output: unknown
    try {
      output = this.#connection.calling.bounded
        ? this.#connection.runWithin(id, () => handler.call(handlers, form.input, handling))
        : handler.call(handlers, form.input, handling)
      if (typeof (output as PromiseLike<unknown> | undefined)?.then === 'function') {
        ;(output as PromiseLike<unknown>).then(
          (settled) => this.#succeed(handling, name as string, settled),
          (error: unknown) => this.#fail(handling, error)
        )
        return
      }
    } catch (error) {
      this.#fail(handling, error)
      return
    }
    this.#succeed(handling, name as string, output)
  }

  #succeed(handling: Handling, name: string, output: unknown): void {
    if (!this.#finish(handling)) return
    const { id } = handling
    if (handling.cancelled) {
      if (output instanceof WithFds) closeMoved(output.fds)
      this.#connection.say({ answer: id })
    } else {
      this.#answer(id, name, output)
    }
    this.#next()
  }

  #fail(handling: Handling, error: unknown): void {
    if (!this.#finish(handling)) return
    const { id } = handling
    if (handling.cancelled) this.#connection.say({ answer: id })
    else this.#send({ form: { answer: id, error: toRecord(error) }, fds: undefined }, 'the handler')
    this.#next()
  }

  /** Answers with an output: nearly always a value that needs no more than its text. */
  #answer(id: number, name: string, output: unknown): void {
    const { sender } = this.#connection.link
    if (output instanceof WithFds || isLeftOut(output) || sender.closed) {
      const what = `the handler "${name}"`
      this.#send(answerOf(id, what, output), what)
      return
    }
    try {
      sender.post(answerText(id, output), this, id)
    } catch (error) {
      this.onUnsent(id, error, `the handler "${name}"`)
    }
  }

  /** Refuses a call whose output was not sent. */
  onUnsent(id: number, error: unknown, what = 'the handler'): void {
    this.#connection.say(unsendable({ form: { answer: id }, fds: undefined }, what, error))
  }

  #send(outgoing: Outgoing, what: string): void {
    const { form, fds } = outgoing
    this.#connection.send(form, fds, (error) => this.#connection.say(unsendable(outgoing, what, error)))
  }

  /** Ends the handling. Returns false if it has ended before: a promise may settle twice. */
  #finish(handling: Handling): boolean {
    if (handling.done) return false
    handling.finish()
    this.#running.delete(handling)
    if (!handling.extra) this.#counted--
    return true
  }

  #refuse(id: number, code: string, message: string): void {
    this.#connection.say(refusalOf(id, code, message))
  }
}
