// The process at the other end: no faults are injected here. It sends back whatever arrives over the channels that
// it is given, and tells of what it has left.
import { type OwnedFd, type Receiver, type Sender, WormholeError } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import { openDescriptors } from '../helpers/descriptors.js'
import type { Order, Report } from './partnership.js'

interface Given extends Record<string, Receiver<Order> | Sender<Report>> {
  orders: Receiver<Order>
  reports: Sender<Report>
}

const { orders, reports } = inherited<Given>()
let failures: string[] = []

/** Does not wait for what it sends: a partner that did would not read meanwhile. */
async function echo(receiver: Receiver, sender: Sender): Promise<void> {
  const send = (message: unknown, fds: readonly OwnedFd[] = []) => {
    sender.sendWithFds(message, fds).catch((error) => failures.push(String(error)))
  }
  for (;;) {
    try {
      send(...(await receiver.recvWithFds()))
    } catch (error) {
      if (!(error instanceof WormholeError)) throw error
      if (error.code === 'ERR_WORMHOLE_DISCONNECTED') break
      send({ broken: error.code })
    }
  }
  sender.close()
}

for (;;) {
  const next = await orders.recvWithFds().catch(() => undefined)
  if (next === undefined) break
  const [order, [receiving, sending]] = next
  if (order === 'echo') void echo(receiving!.receiver(), sending!.sender())
  else await reports.send({ descriptors: openDescriptors(), failures })
  failures = []
}
