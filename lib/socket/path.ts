import { reasonOf } from '../core/describe.js'
import { WormholeError } from '../core/errors.js'
import * as socket from '../os/syscalls.js'
import { stageAddress } from '../wire/inbox.js'
import { Address, fileError, O_PATH } from './address.js'

const fs = process.getBuiltinModule('node:fs')
const { basename, dirname, join } = process.getBuiltinModule('node:path')

/** What tells one file from another, at whatever path. */
export interface FileId {
  readonly dev: bigint
  readonly ino: bigint
}

/** Makes the error for an address that is taken. */
export function addressInUse(path: string, why: string): WormholeError {
  return new WormholeError('ERR_WORMHOLE_ADDRESS_IN_USE', `cannot listen on ${path}: ${why}`)
}

/** Gives a file that this process has just made the permissions that the umask took away; returns which file it is. */
export function setMode(path: string, mode: number): FileId {
  let file = -1
  try {
    // Through a descriptor of the very file: by then another may be at the path.
    file = fs.openSync(path, O_PATH | fs.constants.O_NOFOLLOW)
    const stats = fs.fstatSync(file, { bigint: true })
    if (stats.isSocket() && Number(stats.mode & 0o777n) !== mode) fs.chmodSync(`/proc/self/fd/${file}`, mode)
    return stats
  } catch (error) {
    throw fileError(error, `cannot give ${path} the mode 0${mode.toString(8)}`)
  } finally {
    if (file >= 0) fs.closeSync(file)
  }
}

/**
 * Removes a socket that no process has any more. It is first moved to a name that nobody else uses and looked at again: if
 * another process has made a new one at the path since, that is put back.
 *
 * @throws ERR_WORMHOLE_ADDRESS_IN_USE for anything else
 */
export function removeStale(path: string): void {
  requireStale(path)
  const aside = join(dirname(path), `.${basename(path).slice(0, 40)}.${Math.random().toString(36).slice(2)}`)
  try {
    fs.renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw addressInUse(
      path,
      `the socket of a process that is gone is there, and may not be replaced: ${reasonOf(error)}`
    )
  }
  try {
    requireStale(aside)
    fs.unlinkSync(aside)
  } catch (error) {
    putBack(aside, path)
    if (error instanceof WormholeError) throw addressInUse(path, 'another process has just taken it')
    throw fileError(error, `cannot replace ${path}`)
  }
}

function putBack(aside: string, path: string): void {
  try {
    fs.linkSync(aside, path)
    fs.unlinkSync(aside)
  } catch {
    // A third process has taken the path; what was there stays under its new name.
  }
}

/** Throws unless the path is free or is a socket that no process has. */
function requireStale(path: string): void {
  let stats: import('node:fs').Stats
  try {
    stats = fs.lstatSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw fileError(error, `cannot look at ${path}`)
  }
  if (!stats.isSocket()) throw addressInUse(path, 'what is there is not a socket')
  const result = probe(path)
  if (result === socket.ECONNREFUSED || result === socket.ENOENT) return
  throw addressInUse(
    path,
    result === 0 || result === socket.EPROTOTYPE
      ? 'another process has it'
      : 'it cannot be told whether a process has the socket that is there'
  )
}

/**
 * Looks whether a process has the socket at the path, also one that is bound and does not listen yet: connects a datagram
 * socket, of which no other socket notices anything. ECONNREFUSED means that none has.
 */
function probe(path: string): number {
  const address = new Address(path, 'listen')
  let fd = -1
  try {
    fd = socket.openSocket(socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    return socket.connect(fd, stageAddress(address.bytes), address.bytes.length)
  } finally {
    if (fd >= 0) socket.close(fd)
    address.close()
  }
}
