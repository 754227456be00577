import { systemError, WormholeError } from '../core/errors.js'
import { overBudget } from '../core/loop-budget.js'
import { Descriptor } from '../fd/descriptor.js'
import * as socket from '../os/syscalls.js'
import { inbox, readPayload } from '../wire/inbox.js'
import { Reassembly } from '../wire/reassembly.js'

/** Reads the payload of a message that was too long for one packet from its side stream. */
export class SideReader {
  readonly #descriptor: Descriptor
  /** The payload's bytes. */
  readonly length: number
  #reassembly: Reassembly | null = null

  /**
   * @param fd the reading end, owned by this thread
   * @param length the payload's bytes, within the channel's limit
   */
  constructor(fd: number, length: number) {
    this.#descriptor = new Descriptor(fd)
    this.#descriptor.guard(this)
    this.length = length
  }

  get fd(): number {
    return this.#descriptor.fd
  }

  /**
   * Reads what is there. Returns the value or failure of the whole message, in a list; undefined while more is to come.
   * Throws if the stream ends or fails before that.
   */
  read(): [unknown] | undefined {
    for (;;) {
      this.#reassembly ??= new Reassembly(inbox, 0, this.length)
      const reassembly = this.#reassembly
      reassembly.reserve(this.length)
      const wanted = Math.min(reassembly.room, this.length - reassembly.length)
      const { length: count, fds } = socket.receive(this.fd, reassembly.tail, wanted)
      if (fds !== null) socket.closeAll(fds)
      if (count === socket.EAGAIN) return undefined
      if (count === socket.ECONNRESET) continue
      if (count < 0) throw systemError('recvmsg', count, 'cannot receive a long message')
      if (count === 0) throw this.#brokeOff(reassembly.length)
      reassembly.append(count)
      if (reassembly.length === this.length) return [readPayload(reassembly.at, this.length)]
      // Other work gets to run before more comes, but what is there already must win over a timeout.
      if (overBudget(count) && socket.unread(this.fd) < this.length - reassembly.length) return undefined
    }
  }

  close(): void {
    this.#descriptor.close()
    this.#reassembly?.free()
    this.#reassembly = null
  }

  #brokeOff(length: number): WormholeError {
    return new WormholeError(
      'ERR_WORMHOLE_TRUNCATED',
      `a message broke off after ${length} of ${this.length} bytes: its sender died or gave it up`
    )
  }
}
