import type { Stats } from 'node:fs'
import { systemError, WormholeError } from '../core/errors.js'
import { badDescriptor, EBADF, ESPIPE } from '../os/syscalls.js'
import { type FdKind, kindOf } from './kind.js'

/** What is wrong with a descriptor whose bytes are wanted. */

export function assertFits(fd: number, size: number, limit: number): void {
  if (size > limit) throw tooLarge(fd, size, limit)
}

export function tooLarge(fd: number, size: number, limit: number): WormholeError {
  return new WormholeError(
    'ERR_WORMHOLE_TOO_LARGE',
    `descriptor ${fd} has ${size} bytes or more, and ${limit} are the most: raise maxBytes of bytes() if you trust its sender, or read it piece by piece with readStream()`
  )
}

export function unreadable(fd: number): WormholeError {
  return badDescriptor(`descriptor ${fd} is not open for reading: open the file again, with O_RDONLY or O_RDWR`)
}

export function unfit(fd: number, stats: Stats): WormholeError {
  const kind = kindOf(stats)
  const use = kind === 'directory' || kind === 'other' ? '' : ': use readStream()'
  return badDescriptor(`descriptor ${fd} is ${describeKind(kind)}, not a file${use}`)
}

function describeKind(kind: FdKind): string {
  return kind === 'other' ? 'of a kind that has no bytes of its own (an eventfd, epoll, ...)' : `a ${kind}`
}

/** Makes an error of ours of what Node's own call threw; others pass as they are. */
export function failed(syscall: string, fd: number, error: unknown): unknown {
  const { errno } = error as NodeJS.ErrnoException
  if (error instanceof WormholeError || errno === undefined) return error
  if (errno === EBADF) return unreadable(fd)
  if (errno === ESPIPE) return badDescriptor(`descriptor ${fd} cannot be read from its beginning: use readStream()`)
  return systemError(
    syscall,
    errno,
    syscall === 'pread' ? `cannot read descriptor ${fd}` : 'cannot fill a file in memory'
  )
}
