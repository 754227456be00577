import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { channel } from 'wormhole-ipc'
import { fork } from 'wormhole-ipc/process'
import type { Order, Report } from '../partnership.js'
import type { Prepare } from '../scenario.js'

const PROGRAM = fileURLToPath(new URL('../partner.js', import.meta.url))

/** `fork` with channels: libuv makes socket pairs for the child's pipes. */
export const starting: Prepare = async () => {
  const [sender, orders] = channel<Order>()
  const [reports, receiver] = channel<Report>()
  const channels = { orders, reports }
  let closed: Promise<unknown> | undefined

  /** Whether the child has started. */
  async function start(): Promise<boolean> {
    const child = fork(PROGRAM, { channels, stdio: ['pipe', 'inherit', 'inherit', 'ipc'] })
    if (child.pid === undefined) {
      await once(child, 'error').catch(() => undefined)
      return false
    }
    closed = once(child, 'close')
    return true
  }

  return {
    run: async () => {
      const started = await start().catch(() => false)
      expect(orders.closed && reports.closed, 'whether the ends have moved').to.equal(started)
    },
    finish: async () => {
      if (closed === undefined) expect(await start()).to.equal(true)
      await sender.send('report')
      expect(await receiver.recv()).to.have.property('failures')
      sender.close()
      receiver.close()
      await closed
    },
  }
}
