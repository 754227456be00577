import { isOpen } from './files.js'
import { range } from './fill.js'
import { until } from './until.js'

/** Ordinary users of which a test may be one; a user namespace commonly has 65,536 in all. */
const FIRST_USER = 50_000
const USERS = 10_000

/**
 * In a program of `test/fixtures`, once it has loaded what it needs: makes it one of an ordinary user, who likely
 * has no other process, as the kernel spares the superuser its limits for users. Where it is no superuser's
 * nothing changes.
 */
export function becomeUnprivileged(): void {
  if (process.getuid?.() !== 0) return
  const user = FIRST_USER + (process.pid % USERS)
  process.setgroups?.([])
  process.setgid?.(user)
  process.setuid?.(user)
}

/** More than such a program opens. */
const NUMBERS = 200

/** How many descriptors are open: /proc/self/fd is not for a process that has changed its user. */
function openNumbers(): number {
  return range(NUMBERS).filter(isOpen).length
}

/** In such a program: resolves once no more descriptors are open than before, some of which close in the background. */
export function noneLeft(): () => Promise<void> {
  const before = openNumbers()
  return () => until('no descriptor is left over', () => openNumbers() <= before)
}
