import { systemError } from '../core/errors.js'
import { native } from './addon.js'
import { close, EACCES, EBADF } from './syscalls.js'

/** Files in memory that can be sealed (memfd_create(2)), and mappings of them. */

const { MFD_ALLOW_SEALING, MFD_NOEXEC_SEAL, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE } = native.constants

/** What keeps readers of a mapping safe: its bytes neither go, which would be a SIGBUS, nor change. */
const FIXED = F_SEAL_SHRINK | F_SEAL_WRITE

/** Makes an empty memfd that can be sealed; this thread owns it. */
export function createMemfd(): number {
  let fd = native.memfdCreate(MFD_ALLOW_SEALING)
  // Where vm.memfd_noexec is 2, every memfd must be sealed against execution too.
  if (fd === EACCES) fd = native.memfdCreate(MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)
  if (fd < 0) throw systemError('memfd_create', fd, 'cannot make a file in memory')
  return fd
}

/** Seals a memfd for good, against every change of its bytes and of its length. */
export function sealAll(fd: number): void {
  const result = native.addSeals(fd, FIXED | F_SEAL_GROW | F_SEAL_SEAL)
  if (result >= 0) return
  close(fd)
  throw systemError('fcntl', result, `cannot seal descriptor ${fd}`)
}

/** What the kernel says of a file's seals. */
export interface Seals {
  /** Whether it is open for more than its name: reading, writing or both. */
  usable: boolean
  /** Whether its bytes are in memory: a memfd, or a file of tmpfs or hugetlbfs. */
  inMemory: boolean
  /** Whether nobody can take bytes away or change one. F_SEAL_FUTURE_WRITE does not count: old mappings may write. */
  fixed: boolean
}

export function sealsOf(fd: number): Seals {
  const seals = native.getSeals(fd)
  return { usable: seals !== EBADF, inMemory: seals >= 0, fixed: seals >= 0 && (seals & FIXED) === FIXED }
}

/**
 * Maps a sealed file privately, which is unmapped once its Buffer is collected; V8 counts its bytes by itself. Returns a
 * negative errno if that fails, or 0 if the runtime allows no memory outside its own.
 */
export function mapPrivate(fd: number, bytes: number): Buffer | number {
  return native.map(fd, bytes)
}
