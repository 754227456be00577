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

/** Removes the file at the path if it is still this one. */
export function unlinkIfSame(path: string, file: FileId): void {
  try {
    const now = fs.lstatSync(path, { bigint: true })
    if (now.dev === file.dev && now.ino === file.ino) fs.unlinkSync(path)
  } catch {
    // It is gone, or this process may not remove it any more.
  }
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
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw addressInUse(path, 'another process has just removed it')
    throw fileError(error, `cannot give ${path} the mode 0${mode.toString(8)}`)
  } finally {
    if (file >= 0) fs.closeSync(file)
  }
}

/** How often, a millisecond apart, to try for the lock of a folder. Anybody who may read the folder can hold it. */
const LOCK_TRIES = 200

/**
 * Removes a socket that no process has any more. Who removes one holds the lock of the folder: of several processes that
 * find the same stale socket, none removes what another has just made.
 *
 * @throws ERR_WORMHOLE_ADDRESS_IN_USE for anything else
 */
export function removeStale(path: string): void {
  const folder = lockFolder(dirname(path))
  try {
    requireStale(path)
    replace(path)
  } finally {
    if (folder !== undefined) fs.closeSync(folder)
  }
}

/** Locks a folder until the returned descriptor is closed; without a lock if that cannot be had. */
function lockFolder(path: string): number | undefined {
  let folder: number
  try {
    folder = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  } catch {
    return undefined
  }
  for (let tries = 0; tries < LOCK_TRIES && !socket.tryLock(folder); tries++) socket.wait([folder], 0, 1)
  return folder
}

/** Moves the socket to a name that nobody else uses and looks again there: a program that takes no lock may have been faster. */
function replace(path: string): void {
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
