import { after } from '../core/clock.js'
import { Buffer, Promise } from '../core/globals.js'
import type { NatsHeaders, NatsMessage, NatsSubscription } from './client-types.js'
import type { Remote } from './remote.js'

interface Waiting {
  resolve(number: number): void
  reject(error: unknown): void
}

/**
 * Publishes to the stream, and waits for its answers in an inbox of its own. The client's own requests take as long again:
 * each makes two errors beforehand, with their stacks.
 */
export class Acknowledgements {
  readonly #remote: Remote
  readonly #waiting = new Map<string, Waiting>()
  readonly #stopWatching: () => void
  #subscription: NatsSubscription | undefined
  #inbox = ''
  #count = 0

  constructor(remote: Remote) {
    this.#remote = remote
    const lost = () => this.#fail(new Error('the connection was lost'))
    this.#stopWatching = remote.watch.add({
      reconnected: lost,
      closed: lost,
      denied: (error, subject) => {
        if (subject === remote.subject) this.#fail(error)
      },
    })
  }

  /**
   * Resolves to the packet's number once the stream has it. Rejects with what the API answers; or if the connection was lost, or no answer
   * came in time, with which it may have it all the same.
   */
  publish(bytes: Uint8Array, headers: NatsHeaders, milliseconds: number): Promise<number> {
    const { connection, subject } = this.#remote
    return new Promise((resolve, reject) => {
      this.#subscription ??= this.#subscribe()
      this.#count++
      const token = String(this.#count)
      const cancel = after(milliseconds, () => this.#take(token)?.reject(new Error('no acknowledgement came in time')))
      this.#waiting.set(token, {
        resolve: (number) => {
          cancel()
          resolve(number)
        },
        reject: (error) => {
          cancel()
          reject(error)
        },
      })
      try {
        connection.publish(subject, bytes, { headers, reply: `${this.#inbox}.${token}` })
      } catch (error) {
        this.#take(token)?.reject(error)
      }
    })
  }

  close(): void {
    this.#stopWatching()
    void this.#subscription?.drain().catch(() => undefined)
    this.#subscription = undefined
  }

  #subscribe(): NatsSubscription {
    const { connection, client } = this.#remote
    this.#inbox = client.createInbox()
    return connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message)
        else this.#fail(error)
      },
    })
  }

  #answered({ subject, data, headers }: NatsMessage): void {
    const waiting = this.#take(subject.slice(this.#inbox.length + 1))
    if (waiting === undefined) return
    try {
      if (headers !== undefined && headers.code > 0) throw named('NoRespondersError', `status ${headers.code}`)
      const { error, seq } = JSON.parse(Buffer.from(data).toString()) as { error?: ApiFailure; seq: number }
      if (error !== undefined) throw named('JetStreamApiError', error.description, error.err_code)
      waiting.resolve(seq)
    } catch (error) {
      waiting.reject(error)
    }
  }

  #take(token: string): Waiting | undefined {
    const waiting = this.#waiting.get(token)
    this.#waiting.delete(token)
    return waiting
  }

  #fail(error: unknown): void {
    for (const [token] of [...this.#waiting]) this.#take(token)?.reject(error)
  }
}

/** How the API answers if it refuses. */
interface ApiFailure {
  err_code: number
  description: string
}

/** Makes an error of the name that the client's have. */
function named(name: string, message: string, code?: number): Error {
  return Object.assign(new Error(message), code === undefined ? { name } : { name, code })
}
