import { adopt, type Ends, endsOf, isTable, type Row, rowsOf, single, tableOf } from '../channel/named-ends.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { Buffer } from '../core/globals.js'
import type { OwnedFd } from '../fd/owned-fd.js'

/** The packets between a listener and its clients (docs/wire.md). */

/** The longest packet that a listener sends: far below what SO_SNDBUF allows by default. */
export const MAX_PACKET_BYTES = 64 * 1024

/** What a client says first: that it waits for ends. */
export const HELLO = Buffer.from('{"wormhole":1}')

/** Makes the packet that names the ends, whose descriptors go along in the order of `single`. */
export function giving(channels: Ends): Uint8Array {
  return packet({ give: tableOf(channels, 0, () => ({})) }, 'the names of the ends take')
}

export function refusing(reason: string): Uint8Array {
  return packet({ refuse: reason }, 'the reason takes')
}

function packet(content: object, what: string): Uint8Array {
  const bytes = Buffer.from(JSON.stringify(content))
  if (bytes.length <= MAX_PACKET_BYTES) return bytes
  throw argumentError(`${what} ${bytes.length} bytes of JSON; a packet holds ${MAX_PACKET_BYTES}`)
}

/** Makes ends of a listener's packet. Closes each descriptor that is not named in it, and all of them if it throws. */
export function endsFrom(text: string, fds: readonly OwnedFd[], path: string): Ends {
  try {
    const content = parse(text, path)
    if (typeof content.refuse === 'string') {
      throw new WormholeError('ERR_WORMHOLE_REFUSED', `the listener at ${path} refused: ${content.refuse}`, {
        received: content.refuse,
      })
    }
    const table: unknown = content.give
    const free = new Set(fds.keys())
    if (!isTable<Row>(table, ({ fd }) => free.has(fd))) throw malformed(text, path)
    // Each descriptor is one end's.
    for (const [, { fd }] of rowsOf(table)) if (!free.delete(fd)) throw malformed(text, path)
    return endsOf(table, (name, row) => (fds[row.fd] as OwnedFd).give((fd) => adopt(name, fd, row)))
  } catch (error) {
    // What is not the end of a channel, or has options that no channel has, did not come from a listener.
    if (!['ERR_WORMHOLE_BAD_FD', 'ERR_WORMHOLE_ARGUMENT'].includes((error as WormholeError).code)) throw error
    throw malformed(text, path, error)
  } finally {
    for (const fd of fds) fd.close()
  }
}

function parse(text: string, path: string): { give?: unknown; refuse?: unknown } {
  try {
    const content: unknown = JSON.parse(text)
    if (typeof content === 'object' && content !== null) return content
  } catch (cause) {
    throw malformed(text, path, cause)
  }
  throw malformed(text, path)
}

function malformed(received: string, path: string, cause?: unknown): WormholeError {
  const details = cause === undefined ? { received } : { received, cause }
  return new WormholeError(
    'ERR_WORMHOLE_MALFORMED',
    `what listens at ${path} is not a listener of this library: it sent no packet of names (docs/wire.md)`,
    details
  )
}

/** Lists the ends that go along with a packet. */
export function alongWith(channels: Ends) {
  return single(channels).map(([, end]) => end)
}
