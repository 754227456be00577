import type { Stats } from 'node:fs'

/**
 * The kind of file that a descriptor refers to, from fstat(2).
 *
 * @example
 * import type { FdKind } from 'wormhole-ipc'
 *
 * const readable = new Set<FdKind>(['file', 'pipe', 'socket'])
 * console.log(readable.has(owned.kind))
 */
export type FdKind = 'file' | 'directory' | 'pipe' | 'socket' | 'character-device' | 'block-device' | 'other'

export function kindOf(stats: Stats): FdKind {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isFIFO()) return 'pipe'
  if (stats.isSocket()) return 'socket'
  if (stats.isCharacterDevice()) return 'character-device'
  return stats.isBlockDevice() ? 'block-device' : 'other'
}
