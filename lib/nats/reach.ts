import { describe } from '../core/describe.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { apiCode, assertConnection, assertVersion, isForbidden, isUnserved, loadClient } from './client.js'
import type { Client, NatsConnection } from './client-types.js'
import { acrossInterruptions, type ConnectionWatch, watchOf } from './connection-watch.js'
import { mendConsumer } from './continuity.js'
import { type RemoteOptions, remoteSettings } from './options.js'
import type { Remote } from './remote.js'
import { refused } from './server-error.js'
import { ensureStream } from './stream.js'

/** Reaches the channel `name`, and makes its stream if there is none. */
export async function reach(connection: unknown, name: unknown, options: RemoteOptions | undefined, call: string) {
  assertConnection(connection, call)
  const places = placesOf(name, call)
  const watch = watchOf(connection)
  if (connection.isClosed()) await watch.ended
  if (watch.error !== null) throw watch.error
  const settings = remoteSettings(options, connection.info?.max_payload ?? 0)
  assertVersion(connection.info?.version)
  const client = await loadClient()
  return acrossInterruptions(watch, async () => {
    const manager = await managerOf(client, connection, watch)
    const remote: Remote = { ...places, connection, client, manager, watch, settings }
    await ensureStream(remote)
    // Who may only publish may not look: others do.
    await mendConsumer(remote).catch((error) => {
      if (!isForbidden(error)) throw error
    })
    return remote
  })
}

/** Letters and the like: what a subject and the name of a stream may both have, and a dot, which the latter may not. */
const NAME = /^[\w-]+(\.[\w-]+)*$/
const MAX_NAME = 200

function placesOf(name: unknown, call: string): { name: string; stream: string; subject: string } {
  if (typeof name !== 'string' || name.length > MAX_NAME || !NAME.test(name)) {
    throw argumentError(
      `${call}(): a name has letters, digits, "_", "-", and dots between them, ${MAX_NAME} at most; not ${describe(name)}`
    )
  }
  return { name, stream: `wh-${name.replaceAll('.', '=')}`, subject: `wh.${name}` }
}

async function managerOf(client: Client, connection: NatsConnection, watch: ConnectionWatch) {
  try {
    return await client.jetstreamManager(connection)
  } catch (cause) {
    if (watch.error !== null) throw watch.error
    if (isUnserved(cause) || apiCode(cause) === 10039) {
      throw new WormholeError(
        'ERR_WORMHOLE_UNSUPPORTED',
        'JetStream is off: start nats-server with -js and a folder for it (-sd), or give its configuration a section jetstream { store_dir: ... }',
        { cause }
      )
    }
    throw refused('the server does not answer', cause)
  }
}
