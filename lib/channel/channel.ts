import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Jsonify } from 'type-fest'
import { type ChannelOptions, resolveOptions } from '../core/options.js'
import { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { openPair } from './pair.js'
import { Receiver } from './receiver.js'
import { Sender } from './sender.js'
import './trace-open.js'

/**
 * Makes a channel whose messages a schema checks as they arrive. The sender takes the schema's input type, the receiver
 * returns its output type. A message that the schema refuses rejects one receive with ERR_WORMHOLE_INVALID.
 *
 * @throws ERR_WORMHOLE_ARGUMENT (also a `bufferBytes` that the kernel does not give), ERR_WORMHOLE_SYSTEM (EMFILE: no
 * descriptors left)
 *
 * @example
 * import type { StandardSchemaV1 } from '@standard-schema/spec'
 * import { channel } from 'wormhole-ipc'
 *
 * // From zod, valibot or arktype, or as little as this.
 * const id: StandardSchemaV1<number> = {
 *   '~standard': {
 *     version: 1,
 *     vendor: 'mine',
 *     validate: (value) => (Number.isInteger(value) ? { value: value as number } : { issues: [{ message: 'no id' }] }),
 *   },
 * }
 * const [sender, receiver] = channel({ schema: id }) // [Sender<number>, Receiver<number>]
 */
export function channel<Schema extends StandardSchemaV1>(
  options: ChannelOptions & { schema: Schema }
): [Sender<StandardSchemaV1.InferInput<Schema>>, Receiver<StandardSchemaV1.InferOutput<Schema>>]
/**
 * Makes a channel: a typed, one-way pair over an anonymous Unix socket pair (SOCK_SEQPACKET, close-on-exec).
 * What the receiver gets has passed through JSON, and its type says so: a Date arrives as a string.
 *
 * @throws ERR_WORMHOLE_ARGUMENT (also a `bufferBytes` that the kernel does not give), ERR_WORMHOLE_SYSTEM (EMFILE: no
 * descriptors left)
 *
 * @example
 * import { channel } from 'wormhole-ipc'
 *
 * const [sender, receiver] = channel<{ at: Date }>()
 * await sender.send({ at: new Date() })
 * const { at } = await receiver.recv() // a string
 */
export function channel<T = unknown>(options?: ChannelOptions<unknown>): [Sender<T>, Receiver<Jsonify<T>>]
export function channel(options?: ChannelOptions): [Sender, Receiver] {
  return openPair(socket.SOCK_SEQPACKET, resolveOptions(options))
}

declare module '../fd/owned-fd.js' {
  interface OwnedFd {
    /**
     * Makes this descriptor the sending end of a channel, which owns it from then on; this object is closed.
     *
     * @throws ERR_WORMHOLE_BAD_FD if it is not a channel, ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_CLOSED
     *
     * @example
     * // A client has sent the sending end of a channel of its own, for the answer.
     * const [{ id }, [reply]] = await receiver.recvWithFds()
     * await reply?.sender<string>().send(`done: ${id}`)
     */
    sender<T = unknown>(options?: ChannelOptions): Sender<T>

    /**
     * Makes this descriptor the receiving end of a channel, which owns it from then on; this object is closed.
     *
     * @throws ERR_WORMHOLE_BAD_FD if it is not a channel, ERR_WORMHOLE_ARGUMENT, ERR_WORMHOLE_CLOSED
     *
     * @example
     * const [, [fd]] = await receiver.recvWithFds()
     * if (fd !== undefined) for await (const line of fd.receiver<string>()) console.log(line)
     */
    receiver<T = unknown>(options?: ChannelOptions<T>): Receiver<T>
  }
}

/** Adds the methods that make ends of descriptors: here, as only this file knows both classes. */
function define(name: 'sender' | 'receiver', fromFd: (fd: number, options?: ChannelOptions) => object): void {
  const value = function (this: OwnedFd, options?: ChannelOptions) {
    return this.give((fd) => fromFd(fd, options))
  }
  Object.defineProperty(OwnedFd.prototype, name, { value, configurable: true, writable: true })
}
define('sender', Sender.fromFd)
define('receiver', Receiver.fromFd)
