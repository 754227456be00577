import { availableParallelism, release } from 'node:os'

/** The machine and the Node.js that this runs on. */
export interface Machine {
  platform: string
  arch: string
  /** The version of glibc; null if Node.js is linked to another C library. */
  glibc: string | null
  kernel: string
  cpus: number
  node: string
  /** The version of Node-API, the interface that the addon uses. */
  napi: string
}

export function machine(): Machine {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: header?.glibcVersionRuntime ?? null,
    kernel: release(),
    cpus: availableParallelism(),
    node: process.version,
    napi: process.versions.napi ?? '',
  }
}
