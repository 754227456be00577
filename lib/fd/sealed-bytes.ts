import { describe } from '../core/describe.js'
import { argumentError, systemError, WormholeError } from '../core/errors.js'
import { Buffer } from '../core/globals.js'
import { isUint8Array } from '../core/shapes.js'
import { createMemfd, mapPrivate, sealAll, sealsOf } from '../os/memfd.js'
import { badDescriptor, close, EACCES, ENOMEM } from '../os/syscalls.js'
import { failed, tooLarge, unfit, unreadable } from './file-errors.js'

/** Files in memory that nobody can change: made of bytes, and mapped. */

const fs = process.getBuiltinModule('node:fs')
const { totalmem } = process.getBuiltinModule('node:os')
const { MAX_LENGTH } = process.getBuiltinModule('node:buffer').constants

/** One write(2) of Node's takes less than 2 GiB. */
const CHUNK_BYTES = 1024 * 1024 * 1024

/** Makes a memfd that holds a copy of `bytes`, sealed; this thread owns it. */
export function sealedCopy(bytes: Uint8Array): number {
  if (!isUint8Array(bytes)) {
    throw argumentError(
      `OwnedFd.fromBytes() takes a Uint8Array, not ${describe(bytes)}: use Buffer.from(it), which takes strings and ArrayBuffers too`
    )
  }
  assertAttached(bytes)
  const fd = createMemfd()
  try {
    writeAll(fd, bytes)
  } catch (error) {
    close(fd)
    throw failed('pwrite', fd, error)
  }
  sealAll(fd)
  return fd
}

/** Throws for the view of a buffer that was transferred: it looks like an empty one. */
function assertAttached(bytes: Uint8Array): void {
  if (bytes.byteLength > 0) return
  try {
    new Uint8Array(bytes.buffer)
  } catch (cause) {
    throw argumentError('OwnedFd.fromBytes(): the memory of this Uint8Array was transferred or shrunk', cause)
  }
}

/** Writes by position: whoever reads the file afterwards starts at its beginning. */
function writeAll(fd: number, bytes: Uint8Array): void {
  const { byteLength } = bytes
  for (let at = 0; at < byteLength; ) {
    at += fs.writeSync(fd, bytes, at, Math.min(byteLength - at, CHUNK_BYTES), at)
  }
}

/** Maps the pages of a file that is sealed against shrinking and writing; private, so that nobody sees what is written. */
export function mapSealed(fd: number): Buffer {
  const { usable, inMemory, fixed } = sealsOf(fd)
  if (!usable) throw unreadable(fd)
  const stats = fs.fstatSync(fd)
  if (!inMemory && !stats.isFile()) throw unfit(fd, stats)
  if (!fixed) {
    throw badDescriptor(
      `descriptor ${fd} cannot be mapped, as it is not sealed: whoever shrinks it would crash this process (SIGBUS). Read a copy with bytes(), or have it made by OwnedFd.fromBytes(), or sealed with F_SEAL_SHRINK and F_SEAL_WRITE (fcntl(2))`
    )
  }
  const { size } = stats
  if (size === 0) return Buffer.alloc(0)
  if (size > MAX_LENGTH) throw tooLarge(fd, size, MAX_LENGTH)
  const mapped = mapPrivate(fd, size)
  if (typeof mapped !== 'number') return mapped
  if (mapped === 0) {
    throw new WormholeError(
      'ERR_WORMHOLE_UNSUPPORTED',
      `descriptor ${fd} cannot be mapped: this runtime takes no memory that it has not allocated (Electron and others with a memory cage). Read a copy with bytes()`
    )
  }
  if (mapped === EACCES) throw unreadable(fd)
  // A sparse file may claim any length.
  if (mapped === ENOMEM && size > totalmem()) throw tooLarge(fd, size, totalmem())
  throw systemError('mmap', mapped, `cannot map the ${size} bytes of descriptor ${fd}`)
}
