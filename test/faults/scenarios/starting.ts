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

  /** Whether the child has started, the system refused it one, or `fork` threw and nothing has moved. */
  async function start(): Promise<'started' | 'refused' | 'threw'> {
    let child: ReturnType<typeof fork>
    try {
      child = fork(PROGRAM, { channels, stdio: ['pipe', 'inherit', 'inherit', 'ipc'] })
    } catch {
      return 'threw'
    }
    if (child.pid === undefined) {
      await once(child, 'error').catch(() => undefined)
      return 'refused'
    }
    closed = once(child, 'close')
    return 'started'
  }
  let outcome: Awaited<ReturnType<typeof start>>

  return {
    run: async () => {
      outcome = await start()
      expect(orders.closed && reports.closed, 'whether the ends have gone').to.equal(outcome !== 'threw')
    },
    finish: async () => {
      if (outcome === 'refused') {
        for (const call of [sender.send('report'), receiver.recv()]) {
          expect(await call.catch(({ code }) => code)).to.equal('ERR_WORMHOLE_DISCONNECTED')
        }
      } else {
        if (closed === undefined) expect(await start()).to.equal('started')
        await sender.send('report')
        expect(await receiver.recv()).to.have.property('failures')
      }
      sender.close()
      receiver.close()
      await closed
    },
  }
}
