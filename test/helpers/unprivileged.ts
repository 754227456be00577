import { isOpen } from './files.js'
import { range } from './fill.js'
import { until } from './until.js'

/** The ordinary users that a test may become; a user namespace commonly has 65,536 in all. */
const FIRST_USER = 50_000
const USERS = 10_000

/**
 * In a program of `test/fixtures`, once it has loaded what it needs: changes to an ordinary user, who likely has no
 * other process, as the kernel's limits per user do not apply to the superuser. Does nothing for other users.
 */
export function becomeUnprivileged(): void {
  if (process.getuid?.() !== 0) return
  const user = FIRST_USER + (process.pid % USERS)
  process.setgroups?.([])
  process.setgid?.(user)
  process.setuid?.(user)
}

/** More descriptors than such a program opens. */
const NUMBERS = 200

/** Counts open descriptors without /proc/self/fd, which a process that has changed its user cannot read. */
function openNumbers(): number {
  return range(NUMBERS).filter(isOpen).length
}

/** In such a program: waits until no more descriptors are open than before; some close in the background. */
export function noneLeft(): () => Promise<void> {
  const before = openNumbers()
  return () => until('no descriptor is left over', () => openNumbers() <= before)
}
