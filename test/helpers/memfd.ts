import { ftruncateSync, readFileSync, writeSync } from 'node:fs'
import { OwnedFd } from 'wormhole-ipc'
import { native } from '#lib/os/addon'
import { createMemfd } from '#lib/os/memfd'

/** The seals as F_GET_SEALS returns them (linux/fcntl.h), written down here a second time. */
export const SEALS = { SEAL: 1, SHRINK: 2, GROW: 4, WRITE: 8, FUTURE_WRITE: 16 }

/** Makes a memfd as another program might: of a text, or as long as told and sparse, and with these seals. */
export function memfd(content: string | number, seals = 0): OwnedFd {
  const owned = new OwnedFd(createMemfd(), true)
  if (typeof content === 'number') ftruncateSync(owned.fd, content)
  else writeSync(owned.fd, content)
  const result = native.addSeals(owned.fd, seals)
  if (result < 0) throw new Error(`F_ADD_SEALS: ${result}`)
  return owned
}

/** The memory of files in memory that a process maps, in bytes, from /proc/PID/smaps (proc(5)). */
export interface Mapped {
  mappings: number
  bytes: number
  /** Of no file any more (Anonymous): pages that were written. */
  own: number
}

export function mappedBy(pid: number | 'self' = 'self'): Mapped {
  const mapped = { mappings: 0, bytes: 0, own: 0 }
  const blocks = readFileSync(`/proc/${pid}/smaps`, 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
  for (const block of blocks.filter((text) => text.includes('/memfd:wormhole-ipc'))) {
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(block)?.[1])
    mapped.mappings++
    mapped.bytes += kib('Size') * 1024
    mapped.own += kib('Anonymous') * 1024
  }
  return mapped
}
