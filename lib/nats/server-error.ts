import { reasonOf } from '../core/describe.js'
import { WormholeError } from '../core/errors.js'
import { isForbidden } from './client.js'
import type { Remote } from './remote.js'

/** Makes the error for what the server refused, or did not answer. */
export function refused(what: string, cause: unknown): WormholeError {
  if (cause instanceof WormholeError) return cause
  const advice = isForbidden(cause)
    ? '; the account of this connection needs the subjects wh.>, $JS.> and _INBOX.>'
    : ''
  return new WormholeError('ERR_WORMHOLE_SERVER', `${what}: ${reasonOf(cause)}${advice}`, { cause })
}

/** Makes the error for a stream that is not there any more. */
export function streamGone({ name, stream }: Remote, cause: unknown): WormholeError {
  return new WormholeError(
    'ERR_WORMHOLE_SERVER',
    `the stream ${stream} is gone, and with it what it held: somebody deleted it; natsSender() and natsReceiver() make it again for "${name}"`,
    { cause }
  )
}
