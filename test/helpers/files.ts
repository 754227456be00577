import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes a fresh directory while `use` runs. */
function inDirectory<Result>(use: (directory: string) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), 'wormhole-'))
  try {
    return use(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Opens a nameless file that holds `text`; the descriptor is the caller's to close. */
export function openText(text: string): number {
  return inDirectory((directory) => {
    const fd = openSync(join(directory, 'text'), 'w+')
    writeSync(fd, text)
    return fd
  })
}

/** Reads the file of `fd` from its beginning, whatever its offset. */
export function textOf({ fd }: { fd: number }): string {
  const bytes = Buffer.alloc(fstatSync(fd).size)
  readSync(fd, bytes, 0, bytes.length, 0)
  return bytes.toString()
}

/** Opens a pipe; both ends are the caller's to close. */
export function openPipe(): [reading: number, writing: number] {
  return inDirectory((directory) => {
    const path = join(directory, 'pipe')
    execFileSync('mkfifo', [path])
    return [openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), openSync(path, 'w')]
  })
}

/** Reads the flags of a descriptor and of its open file description from /proc (proc(5)). */
export function flagsOf(fd: number): number {
  const [, octal] = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? []
  return Number.parseInt(octal ?? '', 8)
}

/** O_CLOEXEC as /proc/self/fdinfo shows it. */
export const CLOSE_ON_EXEC = 0o2000000

/** Whether a descriptor number is open in this process. */
export function isOpen(fd: number): boolean {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** Opens `count` files, calls `use` with their numbers, and closes them. */
export async function withFiles<Result>(
  count: number,
  use: (fds: number[]) => Result | Promise<Result>
): Promise<Result> {
  const fds = Array.from({ length: count }, (_, index) => openText(`file ${index}`))
  try {
    return await use(fds)
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}
