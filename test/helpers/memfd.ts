import { fstatSync, ftruncateSync, readFileSync, writeSync } from 'node:fs'
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

/** The files in memory that this process maps, in bytes, from /proc/self/smaps (proc(5)). */
export interface Mapped {
  mappings: number
  bytes: number
  /** Of no file any more (Anonymous): pages that were written. */
  own: number
}

/**
 * Adds up the mappings of one file in memory, or of all. A file's own are exact; of all, those of earlier tests go when the
 * garbage collector and then a turn of the event loop come to them.
 */
export function mapped(file?: OwnedFd): Mapped {
  const sum = { mappings: 0, bytes: 0, own: 0 }
  const name = new RegExp(` ${file === undefined ? '\\d+' : fstatSync(file.fd).ino} +/memfd:wormhole-ipc`)
  const blocks = readFileSync('/proc/self/smaps', 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)
  for (const block of blocks.filter((text) => name.test(text))) {
    const kib = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(block)?.[1])
    sum.mappings++
    sum.bytes += kib('Size') * 1024
    sum.own += kib('Anonymous') * 1024
  }
  return sum
}
