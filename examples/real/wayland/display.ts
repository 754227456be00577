import { connect, type FdSource, type OwnedFd, recvmsg, sendmsg } from 'wormhole-ipc/socket'
import { type Event, eventsIn, request } from './wire.js'

/** The object that every connection has. */
export const DISPLAY = 1
const DISPLAY_ERROR = 0

/** A connection to a compositor. */
export class Display {
  #last = DISPLAY

  private constructor(readonly socket: OwnedFd) {}

  static async connect(path: string): Promise<Display> {
    return new Display(await connect(path))
  }

  /** Returns the number for a new object. */
  make(): number {
    this.#last++
    return this.#last
  }

  /** Calls a request of an object. A descriptor is no argument, and goes beside them. */
  async request(object: number, code: number, args: readonly (number | string)[] = [], fds: readonly FdSource[] = []) {
    await sendmsg(this.socket, request(object, code, args), fds)
  }

  async *events(): AsyncGenerator<Event> {
    const buffer = Buffer.alloc(64 * 1024)
    for (let filled = 0; ; ) {
      const { bytes, end } = await recvmsg(this.socket, buffer.subarray(filled))
      if (end) throw new Error('the compositor has closed the connection')
      filled += bytes
      const { events, taken } = eventsIn(buffer.subarray(0, filled))
      buffer.copyWithin(0, taken, filled)
      filled -= taken
      for (const event of events) {
        if (event.object !== DISPLAY) yield event
        else if (event.code === DISPLAY_ERROR) throw new Error(event.args.toString('utf8', 12).replace(/\0.*$/, ''))
      }
    }
  }
}
