import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { openDescriptors } from '../helpers/descriptors.js'

/** What a leak would show in. */
export interface Inventory {
  /** Open descriptors of this process. */
  descriptors: number
  /** Descriptors that its epoll instances watch (proc(5), fdinfo). */
  watched: number
  /** Open descriptors of the partner. */
  partner: number
}

export function takeInventory(partner: number): Inventory {
  return { descriptors: openDescriptors(), watched: watched(), partner }
}

function watched(): number {
  return readdirSync('/proc/self/fd')
    .filter((fd) => isEpoll(fd))
    .map((fd) => readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1').match(/^tfd:/gm)?.length ?? 0)
    .reduce((sum, count) => sum + count, 0)
}

function isEpoll(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]'
  } catch {
    // The descriptor that listed the directory.
    return false
  }
}
