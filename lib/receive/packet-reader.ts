import { systemError, WormholeError } from '../core/errors.js'
import { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { found, HEADER_BYTES, INBOX_BYTES, inbox, type Rest, readFrames } from '../wire/inbox.js'
import { malformed, tooLarge } from '../wire/json.js'
import type { Batch } from './batch.js'
import { EMPTY, END, type Found, MOST_ATTEMPTS, READ, type Source, type SourceContext } from './reader.js'
import { SideReader } from './side-reader.js'

/** Reads a SOCK_SEQPACKET socket: each packet holds whole frames, or the header of a long message. */
export class PacketSource implements Source {
  readonly #context: SourceContext
  #side: SideReader | null = null
  /** The descriptors of the message that the side stream brings. */
  #sideFds: OwnedFd[] = []

  constructor(context: SourceContext) {
    this.#context = context
  }

  get waitsFor(): number {
    return this.#side?.fd ?? this.#context.descriptor.fd
  }

  get partial(): boolean {
    return this.#side !== null
  }

  read(batch: Batch, waits = false): Found {
    if (this.#side !== null) return this.#readSide(this.#side, batch)
    const { settings, counters } = this.#context
    const { fd } = this.#context.descriptor
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const length = socket.receive(fd, inbox, INBOX_BYTES, waits)
      if (length === socket.EAGAIN) return EMPTY
      // The peer closed with unread data of ours: reported once, and what it sent is still to come.
      if (length === socket.ECONNRESET) continue
      if (length < 0) {
        batch.fail(() => systemError('recvmsg', length, `cannot receive on descriptor ${fd}`))
        return READ
      }
      const fds = socket.broughtDescriptors() ? socket.takeDescriptors() : null
      const lostFds = socket.lostDescriptors()
      if (length === 0) {
        if (fds !== null) socket.closeAll(fds)
        else if (socket.atEnd(fd)) return END
        continue
      }
      counters.packets++
      const lostBytes = socket.lostBytes()
      const rest = readFrames(inbox, length, settings.maxMessageBytes, batch)
      counters.bytes += found.bytes
      if (fds !== null || lostFds || !rest.complete) this.#finish(batch, rest, fds ?? [], lostFds, lostBytes)
      if (this.#side !== null) return this.#readSide(this.#side, batch)
      if (batch.left > 0) return READ
    }
    return EMPTY
  }

  drop(): void {
    this.#side?.close()
    this.#side = null
    for (const owned of this.#sideFds) owned.close()
    this.#sideFds = []
  }

  /** A packet that is more than whole frames. */
  #finish(batch: Batch, rest: Rest, fds: number[], lostFds: boolean, lostBytes: boolean): void {
    const { declared } = rest
    const headerOnly = !rest.complete && batch.left === 0 && rest.length === HEADER_BYTES && declared !== undefined
    if (lostFds) {
      socket.closeAll(fds)
      batch.loseDescriptors(batch.last)
      return
    }
    if (headerOnly) {
      this.#startSide(batch, fds, declared, rest.overLimit)
      return
    }
    if (!rest.complete) {
      const broken = { ...rest }
      batch.fail(() => brokenPacket(broken, lostBytes, this.#context.settings.maxMessageBytes))
    }
    if (fds.length > 0) this.#own(batch, fds)
  }

  #own(batch: Batch, fds: number[]): void {
    this.#context.counters.fds += fds.length
    batch.attach(
      batch.last,
      fds.map((fd) => new OwnedFd(fd, true))
    )
  }

  #startSide(batch: Batch, fds: number[], declared: number, overLimit: boolean): void {
    const side = fds.pop()
    if (side === undefined || !isByteStream(side)) {
      if (side !== undefined) fds.push(side)
      socket.closeAll(fds)
      batch.fail(() =>
        malformed(`a packet holds the header of ${declared} bytes and neither them nor a stream of them`)
      )
      return
    }
    if (overLimit) {
      socket.closeAll([...fds, side])
      batch.fail(() => tooLarge(declared, this.#context.settings.maxMessageBytes))
      return
    }
    this.#context.counters.fds += fds.length
    this.#sideFds = fds.map((fd) => new OwnedFd(fd, true))
    this.#side = new SideReader(side, declared)
  }

  #readSide(side: SideReader, batch: Batch): Found {
    try {
      const value = side.read()
      if (value === undefined) return EMPTY
      batch.push(value[0])
      this.#context.counters.bytes += side.length
      if (this.#sideFds.length > 0) batch.attach(0, this.#sideFds)
      this.#sideFds = []
    } catch (error) {
      const failure = error as WormholeError
      batch.fail(() => failure)
      // The message is still to be had.
      if (socket.passes(failure.errno)) return READ
    }
    this.drop()
    return READ
  }
}

function isByteStream(fd: number): boolean {
  try {
    return socket.channelType(fd) === socket.SOCK_STREAM
  } catch {
    return false
  }
}

function brokenPacket(rest: Rest, lostBytes: boolean, limit: number): WormholeError {
  if (lostBytes) {
    return new WormholeError('ERR_WORMHOLE_TRUNCATED', 'a packet is longer than any that Linux is known to make')
  }
  if (rest.declared === undefined) return malformed(`a packet ends with ${rest.length} bytes of a frame's header`)
  if (rest.overLimit) return tooLarge(rest.declared, limit)
  const there = rest.length - HEADER_BYTES
  return malformed(`a frame of ${rest.declared} bytes has only ${there} in its packet`)
}
