/**
 * Ends of channels for processes that are not parent and child: a listener at a path, and those who connect to it.
 *
 * @module wormhole-ipc/listen
 */

import './core/supported.js'

export type { End } from './channel/end.js'
export type { Link } from './channel/link.js'
export type { Ends, EndsOf } from './channel/named-ends.js'
export type { WaitOptions } from './core/options.js'
export type { Client } from './listen/client.js'
export { type ConnectOptions, connect } from './listen/connect.js'
export { type ListenOptions, listen } from './listen/listen.js'
export type { Listener } from './listen/listener.js'
