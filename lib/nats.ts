/**
 * Channels beyond one machine: ends of the same interface over NATS JetStream.
 *
 * @module wormhole-ipc/nats
 */

import './core/supported.js'

export type { NatsConnection, NatsHeaders, NatsMessage, NatsSubscription } from './nats/client-types.js'
export type { Lease } from './nats/lease.js'
export { natsReceiver, natsSender } from './nats/open.js'
export type { RemoteOptions } from './nats/options.js'
export { RemoteReceiver, type RemoteReceiverStats } from './nats/remote-receiver.js'
export { RemoteSender, type RemoteSenderStats } from './nats/remote-sender.js'
