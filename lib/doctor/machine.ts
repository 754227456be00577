import { availableParallelism, release } from 'node:os'

/** Where this runs. */
export interface Machine {
  platform: string
  arch: string
  /** The C library that Node.js is linked to; null where that is not glibc. */
  glibc: string | null
  kernel: string
  cpus: number
  node: string
  /** The version of Node-API, which the addon is built for. */
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
