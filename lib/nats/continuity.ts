import { pause } from '../core/pause.js'
import { apiCode, isAnswer } from './client.js'
import type { ConsumerConfig } from './client-types.js'
import { unlessInterrupted } from './connection-watch.js'
import type { Remote } from './remote.js'
import { refused, streamGone } from './server-error.js'
import { CONSUMER, CONSUMER_NOT_FOUND, STREAM_NOT_FOUND } from './stream.js'

/** What looks wrong is looked at again after this time: a server of a cluster may be late. */
const AGAIN_MS = 100
/** The first pause after the server did not answer, and the longest. */
const MIN_PAUSE_MS = 10
const MAX_PAUSE_MS = 1000

/**
 * Makes the consumer again if it counts on from where the stream is no more. A server that is killed while the stream is empty
 * may forget how far that had counted, and begins anew, at 1; the consumer remembers, and would pass over what is published
 * until the stream has overtaken it. Nothing is lost by making it again: a work queue holds what is not acknowledged.
 */
export async function mendConsumer(remote: Remote): Promise<void> {
  const { manager, stream } = remote
  try {
    let found = await consumerAhead(remote)
    for (let before = found; found !== undefined; before = found) {
      await pause(AGAIN_MS)
      found = await consumerAhead(remote)
      if (found?.ahead === true || found?.first === before?.first) break
    }
    if (found === undefined) return
    // Two ends may do this at the same time: at worst, what the first of the new consumers has delivered comes twice.
    await manager.consumers.delete(stream, CONSUMER).catch(unlessMissing)
    await manager.consumers.add(stream, found.config)
  } catch (cause) {
    if (apiCode(cause) === STREAM_NOT_FOUND) throw streamGone(remote, cause)
    throw refused(`cannot compare the stream ${stream} with its consumer`, cause)
  }
}

interface Found {
  readonly config: ConsumerConfig
  /** Whether it has counted further than the stream: then that is sure. */
  readonly ahead: boolean
  /** The first packet of the stream. Acknowledged ones are removed at once: if it stays, the consumer has passed over it. */
  readonly first: number
}

/** Returns a consumer that seems to be ahead of its stream, or of its first packet. */
async function consumerAhead({ manager, stream }: Remote): Promise<Found | undefined> {
  // In this order: the stream may go on in between, and is further than the consumer all the same.
  const consumer = await manager.consumers.info(stream, CONSUMER).catch(unlessMissing)
  if (consumer === undefined) return undefined
  const { state } = await manager.streams.info(stream)
  const ahead = consumer.delivered.stream_seq > state.last_seq
  const passedOver = state.messages > 0 && state.first_seq <= consumer.ack_floor.stream_seq
  return ahead || passedOver ? { config: consumer.config, ahead, first: state.first_seq } : undefined
}

function unlessMissing(error: unknown): undefined {
  if (apiCode(error) !== CONSUMER_NOT_FOUND) throw error
}

/** Mends the consumer after each interruption, for one end, which publishes nothing before that is done. */
export class Continuity {
  readonly #remote: Remote
  readonly #stopWatching: () => void
  #checking: Promise<void> | null = null
  #again = false
  #stopped = false
  /** The number of the packet that was stored last. */
  #last = 0

  constructor(remote: Remote) {
    this.#remote = remote
    this.#stopWatching = remote.watch.add({
      reconnected: () => void this.check(),
      closed: () => undefined,
    })
  }

  /** Resolves once the consumer is right; null if it is, as far as is known. */
  get checking(): Promise<void> | null {
    return this.#checking
  }

  /** Called with the number of each packet that was stored. A server may have been away without the connection being lost. */
  stored(number: number): Promise<void> | null {
    const wentBack = number <= this.#last
    this.#last = number
    return wentBack ? this.check() : this.#checking
  }

  /** Never rejects: what the server refuses here, it refuses the end's other requests too. */
  check(): Promise<void> {
    this.#again = true
    this.#checking ??= this.#run().finally(() => {
      this.#checking = null
    })
    return this.#checking
  }

  stop(): void {
    this.#stopped = true
    this.#stopWatching()
  }

  async #run(): Promise<void> {
    const { watch } = this.#remote
    for (let wait = MIN_PAUSE_MS; this.#again && !this.#stopped && watch.error === null; ) {
      this.#again = false
      try {
        await unlessInterrupted(watch, mendConsumer(this.#remote))
      } catch (error) {
        if (isAnswer((error as Error).cause)) continue
        this.#again = true
        await pause(wait)
        wait = Math.min(2 * wait, MAX_PAUSE_MS)
      }
    }
  }
}
