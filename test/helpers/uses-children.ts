import { start } from './child.js'

/**
 * In a `describe`, before `leavesNoDescriptors()`: its tests start children. With the first pipe to one, libuv
 * opens a descriptor that it keeps in reserve for each event loop, and that must not count.
 */
export function usesChildren(): void {
  before(async () => {
    await start('true', []).ended
  })
}
