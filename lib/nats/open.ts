import type { NatsConnection } from './client-types.js'
import { acrossInterruptions } from './connection-watch.js'
import type { RemoteOptions } from './options.js'
import { reach } from './reach.js'
import { RemoteReceiver } from './remote-receiver.js'
import { RemoteSender } from './remote-sender.js'
import { ensureConsumer } from './stream.js'

/**
 * Opens a sending end of the remote channel `name`, and makes its stream if there is none.
 *
 * @param connection a connection to nats-server 2.10.27 or later with JetStream; it stays the caller's
 * @param name letters, digits, `_`, `-`, and dots between them
 * @returns a promise that rejects with ERR_WORMHOLE_ARGUMENT; with ERR_WORMHOLE_UNSUPPORTED if the client's packages are not
 * installed, the server is too old, or JetStream is off; with ERR_WORMHOLE_SERVER if the server refuses; or with
 * ERR_WORMHOLE_DISCONNECTED if the connection is closed
 *
 * @example
 * import { connect } from '@nats-io/transport-node'
 * import { natsSender } from 'wormhole-ipc/nats'
 *
 * const connection = await connect({ servers: 'nats.example.org', maxReconnectAttempts: -1 })
 * const sender = await natsSender<{ id: number }>(connection, 'jobs')
 * await sender.send({ id: 1 })
 */
export async function natsSender<T = unknown>(
  connection: NatsConnection,
  name: string,
  options?: RemoteOptions
): Promise<RemoteSender<T>> {
  return new RemoteSender<T>(await reach(connection, name, options, 'natsSender'))
}

/**
 * Opens a receiving end of the remote channel `name`, and makes its stream if there is none. Otherwise like `natsSender`.
 *
 * @param connection a connection to nats-server 2.10.27 or later with JetStream; it stays the caller's
 * @param name letters, digits, `_`, `-`, and dots between them
 * @returns a promise that rejects with what `natsSender` rejects with
 *
 * @example
 * import { connect } from '@nats-io/transport-node'
 * import { natsReceiver } from 'wormhole-ipc/nats'
 *
 * const connection = await connect({ servers: 'nats.example.org', maxReconnectAttempts: -1 })
 * const receiver = await natsReceiver<{ id: number }>(connection, 'jobs')
 * for await (const { id } of receiver) console.log(id)
 */
export async function natsReceiver<T = unknown>(
  connection: NatsConnection,
  name: string,
  options?: RemoteOptions<T>
): Promise<RemoteReceiver<T>> {
  const remote = await reach(connection, name, options, 'natsReceiver')
  return new RemoteReceiver<T>(remote, await acrossInterruptions(remote.watch, () => ensureConsumer(remote)))
}
