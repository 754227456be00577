import { systemError, WormholeError } from '../core/errors.js'
import type { EndContext } from '../fd/end-context.js'
import { OwnedFd } from '../fd/owned-fd.js'
import * as socket from '../os/syscalls.js'
import { INBOX_BYTES, inbox, readFrames, type Tail } from '../wire/inbox.js'
import { malformed, tooLarge } from '../wire/json.js'
import { HEADER_BYTES } from '../wire/wasm.js'
import type { Batch } from './batch.js'
import { EMPTY, END, type Found, MAX_ATTEMPTS, type MessageReader, READ } from './reader.js'
import { SideReader } from './side-reader.js'

/** Reads a SOCK_SEQPACKET socket: each packet holds whole frames, or the header of a long message. */
export class PacketReader implements MessageReader {
  readonly #end: EndContext
  #side: SideReader | null = null
  /** The descriptors of the message that the side stream brings. */
  #sideFds: OwnedFd[] = []

  constructor(end: EndContext) {
    this.#end = end
  }

  get waitsFor(): number {
    return this.#side?.fd ?? this.#end.descriptor.fd
  }

  get holdsPart(): boolean {
    return this.#side !== null
  }

  read(batch: Batch, waits = false): Found {
    if (this.#side !== null) return this.#readSide(this.#side, batch)
    const { settings, counters } = this.#end
    const { fd } = this.#end.descriptor
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { length, fds, lostBytes, lostFds } = socket.receive(fd, inbox, INBOX_BYTES, waits)
      if (length === socket.EAGAIN) return EMPTY
      // The peer closed with unread data of ours: reported once, before what it sent is read.
      if (length === socket.ECONNRESET) continue
      if (length < 0) {
        batch.fail(() => systemError('recvmsg', length, `cannot receive on descriptor ${fd}`))
        return READ
      }
      if (length === 0) {
        if (fds !== null) socket.closeAll(fds)
        else if (socket.atEnd(fd)) return END
        continue
      }
      counters.packets++
      const tail = readFrames(inbox, length, settings.maxMessageBytes, batch)
      counters.bytes += tail.payloadBytes
      if (fds !== null || lostFds || !tail.complete) this.#finish(batch, tail, fds ?? [], lostFds, lostBytes)
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

  /** Handles what a packet has besides whole frames. */
  #finish(batch: Batch, tail: Tail, fds: number[], lostFds: boolean, lostBytes: boolean): void {
    const { declared } = tail
    const headerOnly = !tail.complete && batch.left === 0 && tail.length === HEADER_BYTES && declared !== undefined
    if (lostFds) {
      socket.closeAll(fds)
      batch.loseDescriptors(batch.last)
      return
    }
    if (headerOnly) {
      this.#startSide(batch, fds, declared, tail.overLimit)
      return
    }
    if (!tail.complete) {
      const broken = { ...tail }
      batch.fail(() => brokenPacket(broken, lostBytes, this.#end.settings.maxMessageBytes))
    }
    if (fds.length > 0) this.#own(batch, fds)
  }

  #own(batch: Batch, fds: number[]): void {
    this.#end.counters.fds += fds.length
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
        malformed(`a packet holds the header of ${declared} bytes, but neither the bytes nor a side stream`)
      )
      return
    }
    if (overLimit) {
      socket.closeAll([...fds, side])
      batch.fail(() => tooLarge(declared, this.#end.settings.maxMessageBytes))
      return
    }
    this.#end.counters.fds += fds.length
    this.#sideFds = fds.map((fd) => new OwnedFd(fd, true))
    this.#side = new SideReader(side, declared)
  }

  #readSide(side: SideReader, batch: Batch): Found {
    try {
      const value = side.read()
      if (value === undefined) return EMPTY
      batch.push(value[0])
      this.#end.counters.bytes += side.length
      if (this.#sideFds.length > 0) batch.attach(0, this.#sideFds)
      this.#sideFds = []
    } catch (error) {
      const failure = error as WormholeError
      batch.fail(() => failure)
      // The message can still be read.
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

function brokenPacket(tail: Tail, lostBytes: boolean, limit: number): WormholeError {
  if (lostBytes) {
    return new WormholeError('ERR_WORMHOLE_TRUNCATED', 'a packet is longer than any that Linux is known to make')
  }
  if (tail.declared === undefined) return malformed(`a packet ends with ${tail.length} bytes of a frame's header`)
  if (tail.overLimit) return tooLarge(tail.declared, limit)
  const there = tail.length - HEADER_BYTES
  return malformed(`a frame of ${tail.declared} bytes has only ${there} in its packet`)
}
