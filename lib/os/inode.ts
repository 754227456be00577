const { fstatSync } = process.getBuiltinModule('node:fs')

/** The inode of what a descriptor refers to, which tells whether a number still is what it was; undefined when it is not open. */
export function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino
  } catch {
    return undefined
  }
}
