import { readFileSync } from 'node:fs'

/** What a process has in memory, in bytes, from /proc/PID/smaps_rollup (proc(5)). */
export interface Memory {
  /** Its share of memory with files in it, such as the table: a page that N processes have counts 1/N (Pss_Shmem). */
  table: number
  /** All that it has, counted so (Pss). */
  share: number
}

export function memoryOf(pid: number | undefined): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024
  return { table: bytes('Pss_Shmem'), share: bytes('Pss') }
}

export function totalOf(all: readonly Memory[]): Memory {
  const sum = (name: keyof Memory) => all.reduce((total, memory) => total + memory[name], 0)
  return { table: sum('table'), share: sum('share') }
}
