import type { ChannelOptions } from '../core/types.js'

type FromFd = (fd: number, options?: ChannelOptions) => object

/** How an OwnedFd becomes an end of a channel: filled in by sender.ts and receiver.ts, which import OwnedFd. */
export const ends: { sender: FromFd; receiver: FromFd } = {
  sender: missing,
  receiver: missing,
}

function missing(): never {
  throw new Error('import OwnedFd from wormhole-ipc')
}
