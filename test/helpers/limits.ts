import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { type Child, fixture, start } from './child.js'

/** Returns the hard limit of open files, to which Node raises the soft one. */
export function mostDescriptors(): number {
  const [, limit = ''] = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit)
}

/** Starts a Node program from `test/fixtures` that may have `limit` descriptors open (RLIMIT_NOFILE). */
export function startLimited(limit: number, name: string, args: readonly string[], fds: readonly number[] = []): Child {
  return start('prlimit', [`--nofile=${limit}`, process.execPath, fixture(name), ...args], fds)
}

/** In such a program: leaves room for `count` more descriptors while `use` runs; resolves to how many it leaked. */
export async function withRoomFor(count: number, use: () => Promise<void>): Promise<number> {
  const before = readdirSync('/proc/self/fd').length
  const fillers: number[] = []
  try {
    for (;;) fillers.push(openSync('/dev/null', 'r'))
  } catch {
    // The limit is reached.
  }
  for (const fd of fillers.splice(0, count)) closeSync(fd)
  await use()
  for (const fd of fillers) closeSync(fd)
  return readdirSync('/proc/self/fd').length - before
}
