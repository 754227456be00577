import { describe } from '../core/describe.js'
import { argumentError, systemError } from '../core/errors.js'
import { Buffer } from '../core/globals.js'
import * as socket from '../os/syscalls.js'
import { ADDRESS_BYTES, inbox, unstage } from '../wire/inbox.js'

const fs = process.getBuiltinModule('node:fs')
const { basename, dirname } = process.getBuiltinModule('node:path')

/** Opens a directory only to name what is in it, which takes no right to read it (open(2); Node has no name for it). */
export const O_PATH = 0o10000000

/** The longest path that an address holds: the kernel ends it with a NUL (unix(7)). */
const MAX_PATH = ADDRESS_BYTES - 1

/**
 * The address of a Unix socket, from a path or an `'@name'` of the abstract namespace. A path that is too long is reached
 * through a descriptor of its directory, which is open until `close()`.
 */
export class Address {
  /** The bytes of sun_path (unix(7)). */
  readonly bytes: Uint8Array
  readonly isAbstract: boolean
  #folder = -1

  constructor(
    readonly path: string,
    call: string
  ) {
    check(path, call)
    this.isAbstract = path.startsWith('@')
    const whole = Buffer.from(this.isAbstract ? `\0${path.slice(1)}` : path)
    if (this.isAbstract && whole.length > ADDRESS_BYTES) {
      throw argumentError(`${call}: the name ${path} has ${whole.length - 1} bytes; at most ${ADDRESS_BYTES - 1} fit`)
    }
    this.bytes = this.isAbstract || whole.length <= MAX_PATH ? whole : this.#throughFolder(call)
  }

  close(): void {
    if (this.#folder >= 0) fs.closeSync(this.#folder)
    this.#folder = -1
  }

  #throughFolder(call: string): Buffer {
    const { path } = this
    const folder = openFolder(dirname(path), `${call}: cannot reach ${path}`)
    const bytes = Buffer.from(`/proc/self/fd/${folder}/${basename(path)}`)
    if (bytes.length > MAX_PATH || !fs.existsSync('/proc/self/fd')) {
      fs.closeSync(folder)
      const why =
        bytes.length > MAX_PATH
          ? `its last part is too long as well`
          : 'and /proc, which could shorten it, is not there'
      throw argumentError(
        `${call}: the path ${path} has ${Buffer.byteLength(path)} bytes, an address holds ${MAX_PATH}, ${why}`
      )
    }
    this.#folder = folder
    return bytes
  }
}

/** Returns the path or `'@name'` of a socket's own address; undefined if it has none. */
export function nameOf(fd: number): string | undefined {
  const length = socket.addressOf(fd, inbox, ADDRESS_BYTES)
  if (length <= 0) return undefined
  const bytes = new Uint8Array(length)
  unstage(bytes, length)
  const text = Buffer.from(bytes).toString('utf8')
  return text.startsWith('\0') ? `@${text.slice(1)}` : text.replace(/\0.*$/s, '')
}

function openFolder(path: string, what: string): number {
  try {
    return fs.openSync(path, O_PATH | fs.constants.O_DIRECTORY)
  } catch (error) {
    throw fileError(error, what)
  }
}

/** Makes our error of one that node:fs threw. */
export function fileError(error: unknown, what: string) {
  const { errno, syscall } = error as NodeJS.ErrnoException
  if (errno === undefined) throw error
  return systemError(syscall ?? 'open', errno, what)
}

function check(path: unknown, call: string): asserts path is string {
  if (typeof path !== 'string' || path === '' || path === '@') {
    const given = typeof path === 'string' ? 'an empty name' : describe(path)
    throw argumentError(`${call}: the address is a path, or '@name' for the abstract namespace, not ${given}`)
  }
  if (path.startsWith('\0')) throw argumentError(`${call}: name an abstract address '@name', not '\\0name'`)
  if (path.includes('\0')) throw argumentError(`${call}: a path cannot hold a NUL`)
  if (path.endsWith('/')) throw argumentError(`${call}: ${path} names a folder, not a socket`)
}
