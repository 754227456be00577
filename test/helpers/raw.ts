import { view } from '#lib/os/memory'
import * as socket from '#lib/os/syscalls'
import * as framing from '#lib/wire/inbox'
import { HEADER_BYTES } from '#lib/wire/wasm'

/** Returns the descriptors of a socket pair without an owner: to be adopted, or closed with fs. */
export function rawPair(type: number): [number, number] {
  const pair = socket.socketpair(type)
  for (const fd of pair) socket.release(fd)
  return pair
}

/** Makes one sendmsg(2) of these bytes, as a peer other than this library may do. */
export function rawSend(fd: number, bytes: Uint8Array, fds: readonly number[] = []): void {
  view.set(bytes, framing.inbox)
  const sent = socket.send(fd, framing.inbox, bytes.length, fds.length === 0 ? null : fds)
  if (sent !== bytes.length) throw new Error(`sendmsg: ${sent} of ${bytes.length} bytes`)
}

/** Returns the header of a frame whose payload has this many bytes. */
export function headerOf(length: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeBigUInt64LE(BigInt(length))
  return header
}

/** Reads everything queued on a socket, one recvmsg(2) after the other, and closes its descriptors. */
export function rawReceive(fd: number): Buffer {
  const pieces: Buffer[] = []
  for (;;) {
    const { length, fds } = socket.receive(fd, framing.inbox, framing.INBOX_BYTES)
    socket.closeAll(fds ?? [])
    if (length <= 0) return Buffer.concat(pieces)
    pieces.push(Buffer.from(view.subarray(framing.inbox, framing.inbox + length)))
  }
}
