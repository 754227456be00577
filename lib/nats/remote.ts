import type { Client, JetStreamManager, NatsConnection } from './client-types.js'
import type { ConnectionWatch } from './connection-watch.js'
import type { RemoteSettings } from './options.js'

/** A remote channel as one end sees it: where it is kept, and by what it is reached. */
export interface Remote {
  readonly name: string
  readonly stream: string
  readonly subject: string
  readonly connection: NatsConnection
  readonly client: Client
  readonly manager: JetStreamManager
  readonly watch: ConnectionWatch
  readonly settings: RemoteSettings
}
