import type { AsyncLocalStorage } from 'node:async_hooks'
import type { Link } from '../channel/link.js'
import { disconnectedError, WormholeError } from '../core/errors.js'
import { getBuiltinModule, nextTick, Promise } from '../core/globals.js'
import { quiet } from '../core/promises.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import type { FdSource } from '../fd/transfer.js'
import { readEach } from '../receive/read-each.js'
import { Calling } from './calling.js'
import { type Answer, type Arrived, asForm, type Form } from './forms.js'
import { Serving } from './serving.js'
import { closeAll } from './with-fds.js'

/** Errors whose `received` says which call the message belongs to. */
const OF_KNOWN_MESSAGE = new Set<unknown>(['ERR_WORMHOLE_FDS_TRUNCATED', 'ERR_WORMHOLE_INVALID'])

/** The request whose handler runs now, for the calls that it makes. */
let handling: AsyncLocalStorage<{ connection: Connection; id: number }> | undefined

const connections = new WeakMap<object, Connection>()

/** One side of a link: reads it, and passes each message to `calling` or `serving`. */
export class Connection {
  readonly link: Link
  readonly calling: Calling
  readonly serving: Serving
  #reading = false
  #ended: (() => WormholeError) | undefined
  #idling = false
  /** Whether the receiver has been told so; told again for each call, it would ask the poller again. */
  #keepsAlive = false
  #resume: (() => void) | undefined
  readonly #endings: (() => void)[] = []

  private constructor(link: Link) {
    this.link = link
    this.calling = new Calling(this)
    this.serving = new Serving(this)
  }

  /** Returns the one connection of a link. */
  static of(link: Link): Connection {
    let connection = connections.get(link.receiver)
    if (connection === undefined) {
      connection = new Connection(link)
      connections.set(link.receiver, connection)
    }
    return connection
  }

  /** Starts to read, unless it already does. @throws if the link has ended */
  start(): void {
    if (this.#ended !== undefined) throw this.#ended()
    if (this.#reading) return
    this.#reading = true
    void this.#read()
  }

  onEnd(callback: () => void): void {
    if (this.#ended !== undefined) callback()
    else this.#endings.push(callback)
  }

  /** Keeps the process alive: a call or `serve` waits for the other side. */
  keepAlive(): void {
    if (!this.#keepsAlive && this.#ended === undefined) {
      this.#keepsAlive = true
      this.link.receiver.ref()
    }
    this.resume()
  }

  /** Lets the process end if nothing waits: checked once everything that the last message set off has run. */
  idle(): void {
    if (this.#idling) return
    this.#idling = true
    nextTick(unrefIfIdle, this)
  }

  /** @internal */
  unrefIfIdle(): void {
    this.#idling = false
    if (this.#ended !== undefined || this.calling.busy || this.serving.active) return
    this.#keepsAlive = false
    this.link.receiver.unref()
  }

  /** Reads requests again, if there is room. */
  resume(): void {
    this.#resume?.()
  }

  /** Sends a message and ignores its failure. */
  say(form: Form): void {
    this.send(form, undefined, ignore)
  }

  /** @throws ERR_WORMHOLE_UNSERIALIZABLE */
  progress(id: number, value: unknown): void {
    const { sender } = this.link
    if (!sender.closed) quiet(sender.send({ progress: id, value }))
  }

  /** @param failed is called with the error, which it may report to the other side */
  send(form: Form | Answer, fds: readonly FdSource[] | undefined, failed: (error: unknown) => void): void {
    const { sender } = this.link
    try {
      const sent = fds === undefined ? sender.send(form) : sender.sendWithFds(form, fds)
      sent.catch((error: unknown) => failed(error))
    } catch (error) {
      if (!sender.closed) failed(error)
    }
  }

  /** Returns the request of this link whose handler runs now. */
  within(): number | undefined {
    const current = handling?.getStore()
    return current?.connection === this ? current.id : undefined
  }

  /** Runs a handler whose calls are to be known as within it: the other side limits its concurrency. */
  runWithin<Result>(id: number, run: () => Result): Result {
    handling ??= new (getBuiltinModule('node:async_hooks').AsyncLocalStorage)()
    return handling.run({ connection: this, id }, run)
  }

  async #read(): Promise<void> {
    const { receiver } = this.link
    const onMessage = (message: unknown, fds: readonly OwnedFd[]) => this.#onMessage(message, fds)
    const pause = () => this.#pause()
    for (;;) {
      try {
        await readEach(receiver, onMessage, pause)
      } catch (error) {
        const { code, received } = error as WormholeError
        const form = OF_KNOWN_MESSAGE.has(code) ? asForm(received) : null
        // It may have been an answer or a request, whose caller would wait forever.
        if (form === null) return this.#end(error)
        this.#onBadMessage(form, error as WormholeError)
      }
    }
  }

  /** Puts off reading while too many requests are held, or the caller leaves too many answers unread. */
  #pause(): Promise<void> | undefined {
    const { serving, calling, link } = this
    if (serving.full && !calling.busy) return this.#room()
    return serving.unread && !calling.busy ? link.sender.flush().catch(ignore) : undefined
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = () => {
        if (this.serving.full && !this.calling.busy) return
        this.#resume = undefined
        resolve()
      }
    })
  }

  #onMessage(message: unknown, fds: readonly OwnedFd[]): void {
    const form = asForm(message)
    if (form?.answer !== undefined) this.calling.onAnswer(form, fds)
    else if (form?.call !== undefined) this.serving.onRequest(form, fds)
    else {
      if (fds.length > 0) closeAll(fds)
      if (form?.progress !== undefined) this.calling.onProgress(form)
      else if (form?.cancel !== undefined) this.serving.onCancel(form)
      else if (form?.window !== undefined) this.calling.onWindow(form.window)
    }
  }

  /** Fails the call that the message belongs to. */
  #onBadMessage(form: Arrived, error: WormholeError): void {
    if (form.answer !== undefined) this.calling.onAnswer(form, [], error)
    else if (form.call !== undefined) this.serving.onFailure(form, error)
  }

  #end(error: unknown): void {
    const { code, message } = error as WormholeError
    const gone = code === undefined || code === 'ERR_WORMHOLE_DISCONNECTED'
    const closed = code === 'ERR_WORMHOLE_CLOSED'
    this.#ended = () => {
      if (gone) return disconnectedError('Receiver')
      return closed
        ? new WormholeError(code, message)
        : new WormholeError(code, `the link has ended, as a message cannot be read: ${message}`, { cause: error })
    }
    this.calling.end(this.#ended)
    this.serving.end()
    this.link.sender.close()
    this.link.receiver.close()
    for (const callback of this.#endings.splice(0)) callback()
  }
}

function unrefIfIdle(connection: Connection): void {
  connection.unrefIfIdle()
}

function ignore(): void {}
