/** What this library uses of `@nats-io/jetstream` and of a transport, by shape: who does not install them has no types of theirs. */

/**
 * The headers of a message.
 *
 * @example
 * import type { NatsHeaders } from 'wormhole-ipc/nats'
 *
 * const idOf = (headers: NatsHeaders) => headers.get('Nats-Msg-Id')
 */
export interface NatsHeaders {
  /** A status instead of a message; 0 for a message. */
  readonly code: number
  /** What the status means. */
  readonly description: string
  /** Returns the value of a header. */
  get(name: string): string
  /** Sets the value of a header. */
  set(name: string, value: string): void
}

/**
 * A message as a subscription gets it.
 *
 * @example
 * import type { NatsMessage } from 'wormhole-ipc/nats'
 *
 * const lengthOf = ({ data }: NatsMessage) => data.length
 */
export interface NatsMessage {
  /** What it was published on. */
  readonly subject: string
  /** Where an answer goes. */
  readonly reply?: string | undefined
  /** Its bytes. */
  readonly data: Uint8Array
  /** Its headers. */
  readonly headers?: NatsHeaders | undefined
}

/**
 * A subscription.
 *
 * @example
 * import type { NatsSubscription } from 'wormhole-ipc/nats'
 *
 * const leave = (subscription: NatsSubscription) => subscription.drain()
 */
export interface NatsSubscription {
  /** Ends it, once what is under way has come. */
  drain(): Promise<void>
}

/**
 * A connection to a NATS server, by what is used of it: what `connect` of `@nats-io/transport-node` resolves to.
 *
 * @example
 * import { connect } from '@nats-io/transport-node'
 * import type { NatsConnection } from 'wormhole-ipc/nats'
 *
 * const connection: NatsConnection = await connect({ servers: 'nats.example.org' })
 */
export interface NatsConnection {
  /** What the server says of itself. */
  readonly info?: { readonly version: string; readonly max_payload: number } | undefined
  /** Publishes a message. */
  publish(subject: string, payload?: Uint8Array | string, options?: { reply?: string; headers?: NatsHeaders }): void
  /** Subscribes to a subject. */
  subscribe(
    subject: string,
    options?: { callback?: (error: Error | null, message: NatsMessage) => void }
  ): NatsSubscription
  /** Publishes a message, and resolves to the answer. */
  request(subject: string, payload?: Uint8Array | string): Promise<NatsMessage>
  /** Iterates over what becomes of the connection. */
  status(): AsyncIterable<{ readonly type: string; readonly error?: unknown }>
  /** Resolves once it is closed for good, to the error if there was one. */
  closed(): Promise<unknown>
  /** Tells whether it is closed for good. */
  isClosed(): boolean
  /** Resolves once the server has all that was published. */
  flush(): Promise<void>
}

export interface StreamConfig {
  name: string
  subjects: string[]
  retention: string
  discard: string
  storage: string
  max_msgs: number
  num_replicas: number
}

export interface ConsumerConfig {
  durable_name: string
  ack_policy: string
  /** Nanoseconds. */
  ack_wait: number
  max_deliver: number
  max_ack_pending: number
  max_waiting: number
}

interface StreamInfo {
  config: StreamConfig
  state: { messages: number; first_seq: number; last_seq: number }
}

interface ConsumerInfo {
  config: ConsumerConfig
  /** The packet that was delivered last. */
  delivered: { stream_seq: number }
  /** The packet up to which all are acknowledged. */
  ack_floor: { stream_seq: number }
}

export interface JetStreamManager {
  streams: {
    info(stream: string): Promise<StreamInfo>
    add(config: StreamConfig): Promise<StreamInfo>
    update(stream: string, config: StreamConfig): Promise<StreamInfo>
  }
  consumers: {
    info(stream: string, consumer: string): Promise<ConsumerInfo>
    add(stream: string, config: ConsumerConfig): Promise<ConsumerInfo>
    delete(stream: string, consumer: string): Promise<boolean>
  }
}

/** The functions that the two packages export. */
export interface Client {
  jetstreamManager(connection: NatsConnection): Promise<JetStreamManager>
  headers(): NatsHeaders
  createInbox(): string
}
