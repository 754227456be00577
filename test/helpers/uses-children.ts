import { start } from './child.js'

/**
 * In a `describe` whose tests start children, before `leavesNoDescriptors()`. With the first pipe to a child, libuv
 * opens a descriptor that it keeps in reserve for each event loop, and that must not count.
 */
export function usesChildren(): void {
  before(async () => {
    await start('true', []).ended
  })
}
