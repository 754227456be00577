import type { Stats } from 'node:fs'
import { describe } from '../core/describe.js'
import { argumentError, WormholeError } from '../core/errors.js'
import { Buffer, Promise } from '../core/globals.js'
import { mapPrivate, sealsOf } from '../os/memfd.js'
import { close, duplicate } from '../os/syscalls.js'
import { assertFits, failed, unfit, unreadable } from './file-errors.js'

const fs = process.getBuiltinModule('node:fs')

/**
 * Options of `OwnedFd.bytes()`.
 *
 * @example
 * import type { BytesOptions } from 'wormhole-ipc'
 *
 * const options: BytesOptions = { maxBytes: 1024 * 1024 }
 * const bytes = await owned.bytes(options)
 */
export interface BytesOptions {
  /** The most bytes that are read; a longer file is refused before memory is taken for it. @default 1073741824 (1 GiB) */
  maxBytes?: number | undefined
}

const DEFAULT_MAX_BYTES = 1024 * 1024 * 1024

/** One read(2) of Node's takes less than 2 GiB; after each, the thread of its pool is free for others. */
const CHUNK_BYTES = 64 * 1024 * 1024

/** Files in memory up to this length are read within the call, in less time than a thread of the pool takes to wake up. */
const QUICK_BYTES = 256 * 1024

/** How much to read first of a file that does not tell its length, as those of /proc. */
const FIRST_BYTES = 64 * 1024

/** Reads a file from its beginning to its end, leaving its offset alone. */
export async function readWhole(fd: number, options: BytesOptions | undefined): Promise<Buffer> {
  const limit = limitOf(options)
  const { usable, inMemory, fixed } = sealsOf(fd)
  if (!usable) throw unreadable(fd)
  if (inMemory) {
    const { size } = fs.fstatSync(fd)
    assertFits(fd, size, limit)
    if (size <= QUICK_BYTES) return readNow(fd, size)
    // What nobody can change need not be copied. Without a mapping (a limit, a runtime that allows none) it is read.
    const mapped = fixed ? mapPrivate(fd, size) : 0
    if (typeof mapped !== 'number') return mapped
  }
  const reading = new Reading(fd, limit, inMemory)
  try {
    return await reading.toEnd()
  } catch (error) {
    throw failed('pread', fd, error)
  } finally {
    reading.close()
  }
}

function limitOf(options: BytesOptions | undefined): number {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw argumentError(`bytes() takes { maxBytes } as its options, not ${describe(options)}`)
  }
  const { maxBytes = DEFAULT_MAX_BYTES } = options ?? {}
  if (maxBytes !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxBytes) && maxBytes >= 0)) {
    throw argumentError(`bytes(): maxBytes must be a whole number or Infinity, not ${describe(maxBytes)}`)
  }
  return maxBytes
}

function readNow(fd: number, size: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(size)
  let length = 0
  try {
    while (length < size) {
      const count = fs.readSync(fd, buffer, length, size - length, length)
      if (count === 0) break
      length += count
    }
  } catch (error) {
    throw failed('pread', fd, error)
  }
  return cut(buffer, length)
}

/** A read in threads of Node's pool, as the file's system may be slow. The file may grow or shrink meanwhile. */
class Reading {
  /** A duplicate: closing or moving the descriptor meanwhile must not make its number another file's. */
  readonly #copy: number
  readonly #fd: number
  readonly #limit: number
  readonly #inMemory: boolean

  constructor(fd: number, limit: number, inMemory: boolean) {
    this.#copy = duplicate(fd)
    this.#fd = fd
    this.#limit = limit
    this.#inMemory = inMemory
  }

  close(): void {
    close(this.#copy)
  }

  async toEnd(): Promise<Buffer> {
    const stats = await this.#stats()
    if (!stats.isFile()) throw unfit(this.#fd, stats)
    let { size } = stats
    assertFits(this.#fd, size, this.#limit)
    let buffer = this.#room(size === 0 ? Math.min(FIRST_BYTES, this.#limit + 1) : size)
    for (let length = 0; ; ) {
      if (length === buffer.length) {
        size = (await this.#stats()).size
        // Files of /proc have a size of 0.
        if (size > 0 && size <= length) return buffer
        assertFits(this.#fd, size, this.#limit)
        // One byte more than the limit shows that the file is longer.
        buffer = grown(buffer, this.#room(size > length ? size : Math.min(2 * length, this.#limit + 1)))
      }
      const count = await this.#read(buffer, length)
      if (count === 0) return cut(buffer, length)
      length += count
      assertFits(this.#fd, length, this.#limit)
    }
  }

  /** What fstat(2) says; it waits for nothing if the file is in memory. */
  #stats(): Stats | Promise<Stats> {
    if (this.#inMemory) return fs.fstatSync(this.#copy)
    return new Promise((resolve, reject) => {
      fs.fstat(this.#copy, (error, stats) => (error === null ? resolve(stats) : reject(error)))
    })
  }

  #read(buffer: Buffer, at: number): Promise<number> {
    const room = Math.min(buffer.length - at, CHUNK_BYTES)
    return new Promise((resolve, reject) => {
      fs.read(this.#copy, buffer, at, room, at, (error, count) => (error === null ? resolve(count) : reject(error)))
    })
  }

  #room(bytes: number): Buffer {
    try {
      return Buffer.allocUnsafeSlow(bytes)
    } catch (cause) {
      const message = `no Buffer can hold the ${bytes} bytes of descriptor ${this.#fd}`
      throw new WormholeError('ERR_WORMHOLE_TOO_LARGE', message, { cause })
    }
  }
}

function grown(from: Buffer, to: Buffer): Buffer {
  from.copy(to)
  return to
}

/** Never part of a longer Buffer: what memory held before would be within reach. */
function cut(buffer: Buffer, length: number): Buffer {
  return length === buffer.length ? buffer : grown(buffer.subarray(0, length), Buffer.allocUnsafeSlow(length))
}
