import { connect, type FdSource, type OwnedFd, recvmsg, sendmsg } from 'wormhole-ipc/socket'
import type { Fields } from './fields.js'
import { pack } from './pack.js'
import { lengthOf, unpack } from './unpack.js'

/** What a client says first; the daemon asks the kernel who it is. */
const AUTH = '\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n'
/** The answers: DATA, OK and AGREE_UNIX_FD. */
const AUTH_LINES = 3

/** A connection to a message bus. */
export class Bus {
  #serial = 0
  /** What was received and not used yet. */
  #bytes = Buffer.alloc(0)
  readonly #fds: OwnedFd[] = []

  private constructor(readonly socket: OwnedFd) {}

  /** @param address such as that in DBUS_SESSION_BUS_ADDRESS */
  static async connect(address: string): Promise<Bus> {
    const bus = new Bus(await connect(/unix:path=([^,;]+)/.exec(address)?.[1] ?? address))
    await sendmsg(bus.socket, Buffer.from(AUTH))
    for (let line = 0; line < AUTH_LINES; line++) await bus.#take((bytes) => bytes.indexOf('\n') + 1 || undefined)
    await bus.call({ destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', member: 'Hello' })
    return bus
  }

  /** Calls a method. An argument of type 'h' is the place of its descriptor among `fds`. */
  async call(fields: Fields, args: Buffer = Buffer.alloc(0), fds: readonly FdSource[] = []): Promise<void> {
    this.#serial++
    await sendmsg(this.socket, pack(this.#serial, fds.length > 0 ? { ...fields, fds: fds.length } : fields, args), fds)
  }

  /** Waits for the next message. Its descriptors have come with its first byte. */
  async next(): Promise<{ fields: Fields; args: Buffer; fds: OwnedFd[] }> {
    const message = unpack(await this.#take(lengthOf))
    return { ...message, fds: this.#fds.splice(0, message.fields.fds ?? 0) }
  }

  /** Takes as many bytes as `lengthIn` says, and waits until they are there. */
  async #take(lengthIn: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    const buffer = Buffer.alloc(4096)
    let length = lengthIn(this.#bytes)
    while (length === undefined || length > this.#bytes.length) {
      const { bytes, fds, end } = await recvmsg(this.socket, buffer)
      if (end) throw new Error('the bus has closed the connection')
      this.#bytes = Buffer.concat([this.#bytes, buffer.subarray(0, bytes)])
      this.#fds.push(...fds)
      length = lengthIn(this.#bytes)
    }
    const taken = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return taken
  }
}
