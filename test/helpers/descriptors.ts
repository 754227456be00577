import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { openDescriptors } from './proc.js'

export { openDescriptors }

/** More than a busy machine needs, and less than the time of a hook. */
const MAX_LOOKS = 10_000

/**
 * In a `describe`: checks that its tests, together, leave as many descriptors open as they found. It looks repeatedly
 * for a while, as some close in the background (a socket that Node ends, a child's pipes).
 */
export function leavesNoDescriptors(): void {
  let atStart = 0
  before(async () => {
    // Readiness needs an epoll instance per thread, which stays: it must not count.
    const [sender, receiver] = channel()
    const waiting = receiver.recv()
    await sender.send(0)
    await waiting
    sender.close()
    receiver.close()
    // Nor must /dev/null, which libuv opens with a thread's first stream and keeps.
    const server = createServer().listen({ path: `\0wormhole-${process.pid}` })
    await once(server, 'listening')
    await once(server.close(), 'close')
    atStart = openDescriptors()
  })
  after(async () => {
    for (let look = 0; look < MAX_LOOKS && openDescriptors() > atStart; look++) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    // Fewer is no leak: an earlier file's descriptor may still have been open when this one began.
    expect(openDescriptors(), 'open descriptors').to.be.at.most(atStart)
  })
}
