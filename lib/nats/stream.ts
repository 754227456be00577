import { WormholeError } from '../core/errors.js'
import { apiCode } from './client.js'
import type { ConsumerConfig, StreamConfig } from './client-types.js'
import { DEFAULT_CAPACITY, DEFAULT_LEASE_MS, DEFAULT_REPLICAS } from './options.js'
import type { Remote } from './remote.js'
import { refused, streamGone } from './server-error.js'

/** The durable consumer that all receivers of a channel share: a work queue has one. */
export const CONSUMER = 'receivers'

export const CONSUMER_NOT_FOUND = 10014
export const STREAM_NOT_FOUND = 10059
/** Another end made it at the same time. */
const STREAM_EXISTS = 10058
/** Pulls that may wait at the server, of all receivers together. */
const MAX_WAITING = 16_384
const NANOSECONDS = 1e6

/** Makes the stream of a channel, or applies the options that were given to the one that is there. */
export async function ensureStream(remote: Remote): Promise<void> {
  const { manager, stream, subject, settings } = remote
  const { capacity, replicas } = settings
  try {
    const config = (await streamOf(remote)) ?? (await makeStream(remote))
    if (config.retention !== 'workqueue' || config.discard !== 'new' || !config.subjects.includes(subject)) {
      throw new WormholeError(
        'ERR_WORMHOLE_SERVER',
        `the stream ${stream} is not one that wormhole-ipc made: it needs the subject ${subject}, retention "workqueue" and discard "new"`
      )
    }
    const differs =
      (capacity ?? config.max_msgs) !== config.max_msgs || (replicas ?? config.num_replicas) !== config.num_replicas
    if (!differs) return
    await manager.streams.update(stream, {
      ...config,
      max_msgs: capacity ?? config.max_msgs,
      num_replicas: replicas ?? config.num_replicas,
    })
  } catch (cause) {
    throw refused(`cannot open the stream ${stream}`, cause)
  }
}

/** Returns what the server says of the stream; undefined if there is none. */
export async function streamOf({ manager, stream }: Remote): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(stream)).config
  } catch (error) {
    if (apiCode(error) === STREAM_NOT_FOUND) return undefined
    throw error
  }
}

async function makeStream(remote: Remote): Promise<StreamConfig> {
  const { manager, stream, subject, settings } = remote
  try {
    const { config } = await manager.streams.add({
      name: stream,
      subjects: [subject],
      retention: 'workqueue',
      discard: 'new',
      storage: 'file',
      max_msgs: settings.capacity ?? DEFAULT_CAPACITY,
      num_replicas: settings.replicas ?? DEFAULT_REPLICAS,
    })
    return config
  } catch (error) {
    const made = apiCode(error) === STREAM_EXISTS ? await streamOf(remote) : undefined
    if (made === undefined) throw error
    return made
  }
}

/**
 * Makes the receivers' consumer, or sets its lease if the option is given. Returns the lease in milliseconds.
 *
 * @param otherwise the lease of a consumer that is made without the option
 */
export async function ensureConsumer(remote: Remote, otherwise = DEFAULT_LEASE_MS): Promise<number> {
  const { manager, stream, settings } = remote
  const { leaseMs } = settings
  try {
    const found = await consumerOf(remote)
    const has = found === undefined ? undefined : found.ack_wait / NANOSECONDS
    if (has !== undefined && (leaseMs ?? has) === has) return has
    const made = await manager.consumers.add(stream, {
      durable_name: CONSUMER,
      ack_policy: 'explicit',
      ack_wait: (leaseMs ?? otherwise) * NANOSECONDS,
      max_deliver: -1,
      max_ack_pending: -1,
      max_waiting: MAX_WAITING,
    })
    return made.config.ack_wait / NANOSECONDS
  } catch (cause) {
    if (apiCode(cause) === STREAM_NOT_FOUND) throw streamGone(remote, cause)
    throw refused(`cannot open the consumer of the stream ${stream}`, cause)
  }
}

async function consumerOf({ manager, stream }: Remote): Promise<ConsumerConfig | undefined> {
  try {
    return (await manager.consumers.info(stream, CONSUMER)).config
  } catch (error) {
    if (apiCode(error) === CONSUMER_NOT_FOUND) return undefined
    throw error
  }
}
