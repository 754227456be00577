import { now } from '../core/clock.js'
import { clearTimeout, setImmediate, setTimeout } from '../core/globals.js'
import type { NatsMessage, NatsSubscription } from './client-types.js'
import type { Remote } from './remote.js'
import { CONSUMER } from './stream.js'

/** How long a pull waits at the server, and how often the server says that it still does. */
const EXPIRES_MS = 30_000
const HEARTBEAT_MS = 1000
const NANOSECONDS = 1e6
/** A pull that was silent for this long is lost. */
const LOST_MS = 2.5 * HEARTBEAT_MS

/** Statuses of the JetStream API: a heartbeat; the pull is over. */
const HEARTBEAT = 100
const EXPIRED = 408

interface PullListener {
  arrived(message: NatsMessage): void
  /** A packet came for a pull that was given up: it goes back. */
  late(message: NatsMessage): void
  /** The server ended a pull before its time, or it was lost. */
  ended(reason: unknown): void
}

/** Asks the server for packets. Each pull is for a number of them, and waits at the server until there are that many. */
export class Pulls {
  readonly #remote: Remote
  readonly #listener: PullListener
  #subscription: NatsSubscription | null = null
  #inbox = ''
  #asked = 0
  #heard = 0
  #timer: NodeJS.Timeout | undefined

  constructor(remote: Remote, listener: PullListener) {
    this.#remote = remote
    this.#listener = listener
  }

  /** Packets that were asked for and have not come. */
  get asked(): number {
    return this.#asked
  }

  ask(count: number): void {
    const { connection, stream } = this.#remote
    this.#subscription ??= this.#subscribe()
    this.#asked += count
    this.#heard = now()
    this.#lookLater()
    const pull = { batch: count, expires: EXPIRES_MS * NANOSECONDS, idle_heartbeat: HEARTBEAT_MS * NANOSECONDS }
    connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${CONSUMER}`, JSON.stringify(pull), { reply: this.#inbox })
  }

  /**
   * Gives up all pulls: the server forgets them, as nobody listens. Resolves once what it sent before that has come, for
   * which `late` is called.
   */
  async stop(): Promise<void> {
    const subscription = this.#subscription
    this.#forget()
    if (subscription === null) return
    // The server may be away, or the connection closed.
    await subscription.drain().catch(() => undefined)
  }

  #forget(): void {
    this.#subscription = null
    this.#asked = 0
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #subscribe(): NatsSubscription {
    const { connection, client } = this.#remote
    const inbox = client.createInbox()
    this.#inbox = inbox
    const subscription: NatsSubscription = connection.subscribe(this.#inbox, {
      callback: (error, message) => {
        const current = this.#subscription === subscription
        if (error !== null) {
          if (current) this.#end(error)
        } else if (message.headers !== undefined && message.headers.code > 0 && message.subject === inbox) {
          if (current) this.#status(message)
        } else if (current) {
          this.#heard = now()
          this.#asked = Math.max(0, this.#asked - 1)
          this.#listener.arrived(message)
        } else {
          this.#listener.late(message)
        }
      },
    })
    return subscription
  }

  #status(message: NatsMessage): void {
    this.#heard = now()
    const { code = 0, description = '' } = message.headers ?? {}
    if (code === HEARTBEAT) return
    const left = Number(message.headers?.get('Nats-Pending-Messages') || this.#asked)
    this.#asked = Math.max(0, this.#asked - left)
    this.#listener.ended(code === EXPIRED ? null : `${code} ${description}`)
  }

  #end(reason: unknown): void {
    void this.stop()
    this.#listener.ended(reason)
  }

  /** Looks whether the server still sends heartbeats for what it was asked. */
  #look(): void {
    this.#timer = undefined
    if (this.#asked === 0) return
    if (now() - this.#heard <= LOST_MS) this.#lookLater()
    // After a long busy period Node runs timers before it reads what has come.
    else setImmediate(() => this.#lookAgain())
  }

  #lookAgain(): void {
    if (this.#asked === 0 || this.#timer !== undefined) return
    if (now() - this.#heard > LOST_MS) this.#end('no heartbeat came')
    else this.#lookLater()
  }

  #lookLater(): void {
    this.#timer ??= setTimeout(() => this.#look(), HEARTBEAT_MS).unref()
  }
}
