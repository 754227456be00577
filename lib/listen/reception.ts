import { onAbort } from '../core/abort.js'
import { after } from '../core/clock.js'
import { closedError, systemError } from '../core/errors.js'
import { Promise, setImmediate } from '../core/globals.js'
import { List, ListItem } from '../core/list.js'
import { overBudget } from '../core/loop-budget.js'
import type { OwnedFd } from '../fd/owned-fd.js'
import { unwatch, unwatchNow, watch } from '../os/poller.js'
import * as socket from '../os/syscalls.js'
import { Connection, type Keeper } from './client.js'
import { ByProcess } from './silent.js'

/** How many clients that have said nothing are served at the same time, in all and of one process. */
const MAX_SILENT = 64
const MAX_SILENT_OF_ONE = 16
/** How many more of them may wait here; one more ends the wait of another, of the process that has most. */
const MAX_PENDING = 256
/** The pause after the process had no descriptor for a connection, in milliseconds. */
const SHORTAGE_MS = 20

class Accepting extends ListItem<Accepting> {
  /** Stops listening to the signal. */
  stop: (() => void) | undefined

  constructor(
    readonly resolve: (client: Connection) => void,
    readonly reject: (error: unknown) => void
  ) {
    super()
  }
}

/**
 * Who comes to a listening socket, and who waits for them. Connections are taken from the kernel while somebody waits for
 * one, as other processes may share the socket. Those that have said something come first, so that a flood of silent ones
 * holds nobody up: of these, few are served at the same time, and few more wait.
 */
export class Reception implements Keeper {
  readonly #socket: OwnedFd
  readonly #accept: (fd: number) => number
  readonly #accepting = new List<Accepting>()
  /** Accepted, and not handed out: those that have spoken, and those that have said nothing so far, the first first. */
  readonly #spoken = new Set<Connection>()
  readonly #pending = new ByProcess()
  /** Handed out and not gone: all, and those of them that had said nothing. */
  readonly #served = new Set<Connection>()
  readonly #silent = new ByProcess()
  #keepsAlive = true
  #isClosed = false
  /** Ends the pause after a shortage of descriptors. */
  #resume: (() => void) | undefined

  /** @param isOurs whether no other process can have the listening socket */
  constructor(listening: OwnedFd, isOurs: boolean) {
    this.#socket = listening
    this.#accept = isOurs ? socket.acceptNow : socket.accept
    if (isOurs) socket.setNonblocking(listening.fd, true)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get keepsAlive(): boolean {
    return this.#keepsAlive
  }

  set keepsAlive(keepsAlive: boolean) {
    this.#keepsAlive = keepsAlive
    for (const connection of this.#served) connection.rewatch()
    this.#rewatch()
  }

  accept(signal: AbortSignal | undefined): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const accepting = new Accepting(resolve, reject)
      this.#accepting.push(accepting)
      if (signal !== undefined) accepting.stop = onAbort(signal, () => this.#giveUp(accepting, signal.reason))
      this.#serve()
    })
  }

  close(): void {
    this.#isClosed = true
    this.#resume?.()
    unwatchNow(this.#socket.fd)
    this.#socket.close()
    for (const connection of [...this.#spoken, ...this.#pending]) this.#drop(connection)
    this.onFailure(closedError('Listener'))
  }

  /** Called by the poller: there are connections. */
  onReady(): void {
    this.#serve()
  }

  onFailure(error: unknown): void {
    for (const accepting of this.#accepting) this.#reject(accepting, error)
  }

  changed(connection: Connection): void {
    if (connection.isGone) this.#forget(connection)
    else if (this.#pending.delete(connection)) this.#spoken.add(connection)
    else this.#silent.delete(connection)
    this.#serve()
  }

  /** Rejects an aborted call, unless somebody came while the event loop was busy. */
  #giveUp(accepting: Accepting, reason: unknown): void {
    this.#serve()
    if (accepting.list === null) return
    this.#reject(accepting, reason)
    this.#rewatch()
  }

  /** Hands out connections as long as somebody waits for one and there is one. */
  #serve(): void {
    if (this.#isClosed) return
    try {
      while (this.#accepting.first !== null) {
        if (overBudget()) {
          setImmediate(() => this.#serve())
          break
        }
        const connection = this.#next()
        if (connection === undefined) break
        this.#serveWith(connection, this.#accepting.first)
      }
      this.#rewatch()
    } catch (error) {
      this.onFailure(error)
    }
  }

  #serveWith(connection: Connection, { stop, resolve }: Accepting): void {
    this.#accepting.remove(this.#accepting.first as Accepting)
    stop?.()
    connection.identify()
    this.#served.add(connection)
    resolve(connection)
  }

  /** Returns the next connection to serve: one that has spoken, if there is any; undefined if there is none for now. */
  #next(): Connection | undefined {
    for (const connection of this.#spoken) {
      this.#spoken.delete(connection)
      return connection
    }
    // Not without end: who floods may be faster than this loop.
    for (let count = 0; count < MAX_PENDING; count++) {
      const connection = this.#fromKernel()
      if (connection === undefined) break
      if (connection.hasSpoken) return connection
      this.#pending.add(connection)
      if (this.#pending.size > MAX_PENDING) this.#drop(this.#pending.firstOfMost())
    }
    const silent = this.#nextSilent()
    if (silent === undefined) return undefined
    this.#pending.delete(silent)
    this.#silent.add(silent)
    return silent
  }

  #nextSilent(): Connection | undefined {
    if (this.#silent.size >= MAX_SILENT) return undefined
    return this.#pending.first((pid) => this.#silent.of(pid) < MAX_SILENT_OF_ONE)
  }

  #fromKernel(): Connection | undefined {
    if (this.#resume !== undefined) return undefined
    const fd = this.#accept(this.#socket.fd)
    if (fd >= 0) return new Connection(fd, this)
    if (fd === socket.EAGAIN) return undefined
    if (!socket.passes(fd)) throw systemError('accept', fd, `cannot accept on descriptor ${this.#socket.fd}`)
    // The process has no descriptor to spare. Who is silent gives his back, and the kernel keeps the connection until then.
    for (const connection of [...this.#pending]) this.#drop(connection)
    this.#pause()
    return undefined
  }

  #pause(): void {
    const cancel = after(SHORTAGE_MS, () => {
      this.#resume?.()
      this.#serve()
    })
    this.#resume = () => {
      this.#resume = undefined
      cancel()
    }
  }

  #drop(connection: Connection): void {
    this.#forget(connection)
    connection.end()
  }

  #forget(connection: Connection): void {
    for (const set of [this.#spoken, this.#pending, this.#served, this.#silent]) set.delete(connection)
  }

  #reject(accepting: Accepting, error: unknown): void {
    this.#accepting.remove(accepting)
    accepting.stop?.()
    accepting.reject(error)
  }

  /** Watches for connections while somebody waits for one. */
  #rewatch(): void {
    if (this.#isClosed) return
    const { fd } = this.#socket
    if (this.#accepting.size > 0 && this.#resume === undefined) watch(fd, socket.POLLIN, this, this.#keepsAlive)
    else unwatch(fd)
  }
}
