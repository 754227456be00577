import type { EndContext } from '../fd/end-context.js'
import { SOCK_SEQPACKET } from '../os/syscalls.js'
import { PacketReader } from './packet-reader.js'
import { ReceiveQueue } from './receive-queue.js'
import { StreamReader } from './stream-reader.js'

/**
 * Returns the queue of a receiver that reads a socket.
 *
 * @param end must not be garbage-collected while something waits: it closes the descriptor
 */
export function socketQueue(end: EndContext, type: number): ReceiveQueue {
  return new ReceiveQueue(end, type === SOCK_SEQPACKET ? new PacketReader(end) : new StreamReader(end), null)
}
