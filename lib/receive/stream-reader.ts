import { systemError, WormholeError } from '../core/errors.js'
import { overBudget } from '../core/loop-budget.js'
import { MESSAGE_LIMIT } from '../core/options.js'
import type { EndContext } from '../fd/end-context.js'
import { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { inbox, readFrames, type Tail } from '../wire/inbox.js'
import { malformed, tooLarge } from '../wire/json.js'
import { Reassembly } from '../wire/reassembly.js'
import { HEADER_BYTES } from '../wire/wasm.js'
import type { Batch } from './batch.js'
import { EMPTY, END, type Found, MAX_ATTEMPTS, type MessageReader, READ } from './reader.js'

/** Max bytes of one read: about what a Unix stream socket holds by default. */
const READ_BYTES = 256 * 1024

/** Reads a SOCK_STREAM socket, where a frame may be cut anywhere. */
export class StreamReader implements MessageReader {
  readonly #end: EndContext
  /** The frame whose end has not come. */
  #reassembly: Reassembly | null = null
  /** The length of that frame in bytes, header included; 0 until the header is there. */
  #wanted = 0
  #fds: OwnedFd[] = []
  /** Whether the kernel dropped descriptors of that frame. */
  #lostFds = false
  /** Bytes of a refused message that are still to be skipped. */
  #skip = 0
  #ended = false

  constructor(end: EndContext) {
    this.#end = end
  }

  get waitsFor(): number {
    return this.#end.descriptor.fd
  }

  get holdsPart(): boolean {
    return this.#reassembly !== null || this.#skip > 0
  }

  read(batch: Batch): Found {
    const { fd } = this.#end.descriptor
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (this.#ended) return END
      let length = 0
      try {
        const received = this.#receive(fd)
        length = received.length
        if (length === socket.EAGAIN) return EMPTY
        if (length === socket.ECONNRESET) continue
        if (length < 0) batch.fail(() => systemError('recvmsg', length, `cannot receive on descriptor ${fd}`))
        else if (length > 0) this.#accept(received, batch)
        else if (atEnd(received)) {
          // A message that is being skipped has failed already.
          if (this.#reassembly === null) return END
          throw new WormholeError('ERR_WORMHOLE_TRUNCATED', 'the channel ended in the middle of a message')
        }
      } catch (error) {
        // The rest of this frame will not come or cannot be kept: where the next one starts is not known.
        batch.fail(() => error as WormholeError)
        this.drop()
        this.#ended = true
      }
      if (batch.left > 0) return READ
      // Other work gets to run before more comes, but what is there already must win over a timeout.
      if (overBudget(Math.max(length, 0)) && socket.unread(fd) < this.#missing) return EMPTY
    }
    return EMPTY
  }

  /** Bytes that must come before there can be another message. */
  get #missing(): number {
    if (this.#reassembly === null) return this.#skip
    return Math.max(this.#wanted, HEADER_BYTES) - this.#reassembly.length
  }

  drop(): void {
    this.#reassembly?.free()
    this.#reassembly = null
    this.#wanted = 0
    this.#skip = 0
    for (const owned of this.#fds) owned.close()
    this.#fds = []
    this.#lostFds = false
  }

  /** Reads to the place after what is held, so that nothing is copied twice. */
  #receive(fd: number): socket.Received {
    if (this.#reassembly === null)
      return socket.receive(fd, inbox, this.#skip > 0 ? Math.min(this.#skip, READ_BYTES) : READ_BYTES)
    this.#reassembly.reserve(Math.max(this.#wanted, HEADER_BYTES))
    return socket.receive(fd, this.#reassembly.tail, this.#reassembly.room)
  }

  #accept(received: socket.Received, batch: Batch): void {
    const { length, lostFds } = received
    const fds = received.fds ?? []
    const { settings, counters } = this.#end
    counters.packets++
    if (this.#skip > 0) {
      this.#skip -= length
      socket.closeAll(fds)
      return
    }
    const held = this.#reassembly
    held?.append(length)
    const tail = readFrames(held?.at ?? inbox, held?.length ?? length, settings.maxMessageBytes, batch)
    counters.bytes += tail.payloadBytes
    if (batch.left > 0) this.#finishReassembly(batch)
    this.#keep(tail, held)
    this.#give(fds, lostFds, tail, batch)
    if (tail.overLimit) this.#refuse(tail, batch)
  }

  /** Gives the batch's first frame, which was held, the descriptors that came with its beginning. */
  #finishReassembly(batch: Batch): void {
    if (this.#lostFds) batch.loseDescriptors(0)
    else if (this.#fds.length > 0) batch.attach(0, this.#fds)
    if (this.#lostFds) for (const owned of this.#fds) owned.close()
    this.#fds = []
    this.#lostFds = false
  }

  /** Gives descriptors to the last frame that starts in what was received (docs/wire.md). */
  #give(fds: number[], lostFds: boolean, tail: Tail, batch: Batch): void {
    if (fds.length === 0 && !lostFds) return
    // A message cannot have more: else a peer could pile them up with the pieces of one frame.
    const tooMany = this.#fds.length + fds.length > socket.SCM_MAX_FD
    if (lostFds || tooMany || tail.overLimit) {
      socket.closeAll(fds)
      if (tail.overLimit) return
      if (this.#reassembly !== null) this.#lostFds = true
      else batch.loseDescriptors(batch.last)
      return
    }
    this.#end.counters.fds += fds.length
    const owned = fds.map((fd) => new OwnedFd(fd, true))
    if (this.#reassembly !== null) this.#fds.push(...owned)
    else batch.attach(batch.last, owned)
  }

  #keep(tail: Tail, held: Reassembly | null): void {
    if (tail.complete || tail.overLimit) {
      this.drop()
      return
    }
    this.#wanted = tail.declared === undefined ? 0 : HEADER_BYTES + tail.declared
    if (held === null) this.#reassembly = new Reassembly(tail.at, tail.length, this.#wanted)
    else held.consume(tail.at - held.at)
  }

  /** Fails a message whose header declares more than the limit; its bytes are skipped. */
  #refuse(tail: Tail, batch: Batch): void {
    const declared = tail.declared as number
    if (declared > MESSAGE_LIMIT) throw malformed(`the stream's framing is lost: a header says ${declared} bytes`)
    batch.fail(() => tooLarge(declared, this.#end.settings.maxMessageBytes))
    this.#skip = declared - (tail.length - HEADER_BYTES)
  }
}

/**
 * Whether an empty read is the end: not if a peer wrote nothing but descriptors. The count of queued bytes does not
 * show it, as an urgent byte (MSG_OOB) at the end stays there.
 */
function atEnd({ fds }: socket.Received): boolean {
  if (fds === null) return true
  socket.closeAll(fds)
  return false
}
