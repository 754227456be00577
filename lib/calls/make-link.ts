import { channel } from '../channel/channel.js'
import type { Link } from '../channel/link.js'
import type { ChannelOptions } from '../core/options.js'

/**
 * Makes a two-way connection and returns its two sides, of which one usually goes to another process. To end it,
 * `close()` both ends of a side.
 *
 * @throws ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_SYSTEM (EMFILE: no descriptors left)
 *
 * @example
 * import { caller, link } from 'wormhole-ipc/calls'
 * import { fork } from 'wormhole-ipc/process'
 *
 * const [ours, theirs] = link()
 * fork('./worker.js', { channels: { api: theirs } })
 * const api = caller<{ double(n: number): number }>(ours)
 * console.log(await api.double(21))
 */
export function link(options?: ChannelOptions): [Link, Link] {
  const [there, received] = channel(options)
  try {
    const [back, answered] = channel(options)
    return [
      { sender: there, receiver: answered },
      { sender: back, receiver: received },
    ]
  } catch (error) {
    there.close()
    received.close()
    throw error
  }
}
