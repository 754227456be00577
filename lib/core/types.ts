import type { Server, Socket } from 'node:net'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Receiver } from '../channel/receiver.js'
import type { Sender } from '../channel/sender.js'
import type { OwnedFd } from '../fd/owned-fd.js'

/**
 * How a channel, or one adopted end of it, behaves.
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 *
 * // One job a packet, so that workers share evenly; none longer than a KiB.
 * const [sender, receiver] = channel<{ id: number }>({ coalesce: false, maxMessageBytes: 1024 })
 */
export interface ChannelOptions<T = unknown> {
  /**
   * Whether messages sent in one tick may share a packet. `false`: exactly one message a packet, which is
   * what the Rust crate wormhole-rs expects to receive, and what shares work evenly among receivers.
   * @default true
   */
  coalesce?: boolean | undefined
  /**
   * The longest message, in bytes of JSON, that is sent or accepted; at most 512 MiB (V8's longest string).
   * @default 67108864 (64 MiB)
   */
  maxMessageBytes?: number | undefined
  /**
   * The capacity of a new channel in bytes: SO_SNDBUF of its sending end, as the kernel counts it, with some hundred bytes of
   * its own for each packet. It is also the limit of one packet; longer messages go over a stream of their own. At least
   * 4,608 are given, and at most twice `net.core.wmem_max` (425,984 as systems come) unless the process has CAP_NET_ADMIN:
   * what the kernel does not give is refused with `ERR_WORMHOLE_ARGUMENT`. Clones share it; an end that is adopted keeps
   * what it has.
   * @default 212992, as systems come (`net.core.wmem_default`)
   */
  bufferBytes?: number | undefined
  /**
   * A schema of the Standard Schema interface (zod, valibot, arktype, ...): each received message is
   * checked by it and delivered as it returns it; one that it refuses rejects with `ERR_WORMHOLE_INVALID`.
   */
  schema?: StandardSchemaV1<unknown, T> | undefined
}

/**
 * For calls that wait without blocking the thread.
 *
 * @example
 * const aborting = new AbortController()
 * const message = receiver.recv({ signal: aborting.signal })
 * aborting.abort() // unless a message is there by now, `message` rejects with an AbortError
 */
export interface WaitOptions {
  /** Ends the wait; the call rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/**
 * For calls that block the thread.
 *
 * @example
 * const message = receiver.recvSync({ timeout: 250 }) // a quarter of a second
 */
export interface BlockingOptions {
  /** Most milliseconds to wait, `Infinity` included; then the call throws `ERR_WORMHOLE_TIMEOUT`. @default Infinity */
  timeout?: number | undefined
}

/**
 * What can ride with a message. An {@link OwnedFd}, {@link Sender} or {@link Receiver} is moved: once the
 * kernel has it, it is closed here; who receives an end names its options anew (`sender(options)`). Numbers and Node's own objects are duplicated and stay the caller's.
 *
 * @example
 * import type { FdSource } from 'wormhole-ipc'
 *
 * const sources: FdSource[] = [process.stdin.fd, owned, receiver]
 * await sender.sendWithFds({ id: 1 }, sources) // `owned` and `receiver` are moved, standard input is duplicated
 */
export type FdSource = number | OwnedFd | Sender<never> | Receiver<unknown> | { readonly fd: number } | Socket | Server

/**
 * What an end of a channel has done so far.
 *
 * @example
 * import type { EndpointStats } from 'wormhole-ipc'
 *
 * const perMessage = ({ bytes, messages }: EndpointStats) => bytes / messages
 * console.log(perMessage(sender.stats()), perMessage(receiver.stats()))
 */
export interface EndpointStats {
  /** Messages that the kernel has taken (sender), or that were taken from this end (receiver). */
  messages: number
  /** Bytes of their JSON; a receiver counts what it has read. */
  bytes: number
  /** Packets sent or read. On a SOCK_STREAM socket: writes or reads. */
  packets: number
  /** Descriptors that rode along. */
  fds: number
  /** How often this end had to wait for the other: for a message, or for room. */
  waits: number
  /**
   * The longest time in milliseconds that this end waited without the kernel taking or bringing anything, the
   * wait that is going on included. A receiver waits only while somebody waits for its next message.
   * A `recvSync` without a timeout on the main thread waits in the kernel, and counts neither here nor in `waits`.
   */
  longestWait: number
  /** Messages that are here: not yet in the kernel (sender), or read and not yet taken (receiver). */
  queued: number
}
