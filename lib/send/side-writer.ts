import { systemError, WormholeError } from '../core/errors.js'
import { overBudget } from '../core/loop-budget.js'
import { Descriptor } from '../fd/descriptor.js'
import type { EndContext } from '../fd/end-context.js'
import { unwatchNow, watch } from '../os/poller.js'
import * as socket from '../os/syscalls.js'
import { PayloadText } from '../wire/outbox.js'

/** How long to wait for the channel's end, in ms: a dying process may close the side stream before the channel. */
const DEATH_MS = 5

/** What a side stream's buffer is asked to hold; the kernel gives at most net.core.wmem_max. */
const SIDE_BUFFER_BYTES = 1024 * 1024

/**
 * Sends the payload of a message that is too long for one packet over a SOCK_STREAM pair of its own. The
 * other end of the pair, `reader`, rides with the packet that holds the message's header.
 */
export class SideWriter {
  readonly reader: Descriptor
  readonly #writer: Descriptor
  readonly #end: EndContext
  readonly #bytes: PayloadText
  #done: ((error?: WormholeError) => void) | null = null
  finished = false

  /** @param end the channel's: if a write fails, it tells whether the peer is still there */
  constructor(text: string, end: EndContext) {
    const [reader, writer] = socket.socketpair(socket.SOCK_STREAM)
    this.reader = new Descriptor(reader)
    this.#writer = new Descriptor(writer)
    this.#end = end
    this.#bytes = new PayloadText(text)
    socket.setSendBuffer(writer, SIDE_BUFFER_BYTES)
  }

  get fd(): number {
    return this.#writer.fd
  }

  /** Writes what the kernel takes without waiting; sets `finished` once it has all. Throws the error of a failed write. */
  write(withinBudget = false): void {
    while (!this.finished) {
      this.#bytes.load()
      const sent = socket.send(this.fd, this.#bytes.at, this.#bytes.length, null)
      if (sent === socket.EAGAIN) return
      if (sent < 0) throw this.#explain(sent)
      if (this.#bytes.advance(sent)) {
        this.finished = true
        this.#closeWriter()
      } else if (withinBudget && overBudget(sent)) return
    }
  }

  /** Goes on by itself, as the kernel has the header; calls `done` once, with the error if it fails. */
  start(done: (error?: WormholeError) => void): void {
    this.reader.close()
    this.#done = done
    this.onReady()
  }

  /** Applies a changed `keepsAlive` to what is watched. */
  rewatch(): void {
    if (this.#done !== null && !this.finished) watch(this.fd, socket.POLLOUT, this, this.#end.keepsAlive)
  }

  onReady(): void {
    this.pump(true)
  }

  /** Writes what the kernel takes without waiting, and waits for the rest. */
  pump(withinBudget: boolean): void {
    try {
      this.write(withinBudget)
      if (!this.finished) watch(this.fd, socket.POLLOUT, this, this.#end.keepsAlive)
      else this.#finish()
    } catch (error) {
      this.abandon(error as WormholeError)
    }
  }

  onFailure(error: unknown): void {
    this.abandon(error as WormholeError)
  }

  /** Abandons the message; a receiver that has its header gets ERR_WORMHOLE_TRUNCATED. */
  abandon(error?: WormholeError): void {
    this.reader.close()
    this.#finish(error)
  }

  #finish(error?: WormholeError): void {
    this.#closeWriter()
    const done = this.#done
    this.#done = null
    done?.(error)
  }

  #closeWriter(): void {
    if (this.fd >= 0) unwatchNow(this.fd)
    this.#writer.close()
  }

  #explain(errno: number): WormholeError {
    if (errno !== socket.EPIPE && errno !== socket.ECONNRESET) {
      return systemError('sendmsg', errno, 'cannot send a long message')
    }
    const details = { errno, syscall: 'sendmsg' }
    const { fd } = this.#end
    return fd < 0 || socket.hungUp(fd, DEATH_MS)
      ? new WormholeError('ERR_WORMHOLE_DISCONNECTED', 'every receiving end of the channel is gone', details)
      : new WormholeError('ERR_WORMHOLE_TRUNCATED', 'the receiver gave up half-way through a long message', details)
  }
}
