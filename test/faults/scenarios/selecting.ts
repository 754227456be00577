import { select } from 'wormhole-ipc'
import { Exchange, finish, type Ways } from '../exchange.js'
import type { Prepare } from '../scenario.js'

const ways: Ways = {
  filler: 'one of several',
  open: (partner) => partner.echo(),
  send: (sender, message) => sender.send(message),
  receive: (receiver) => receiver.recv(),
}

const BURSTS = 3

/** `select` among three channels. */
export const selecting: Prepare = async (ledger, partner) => {
  const open = () => Exchange.open(ledger, partner, ways)
  const exchanges: Record<string, Exchange> = { one: await open(), two: await open(), three: await open() }
  const all = Object.values(exchanges)
  const receivers = Object.fromEntries(Object.entries(exchanges).map(([key, { receiver }]) => [key, receiver]))
  const even = () => all.every((exchange) => exchange.even)

  async function take(): Promise<void> {
    const selected = await ledger.attempt(() => select(receivers))
    if (selected !== undefined) exchanges[selected[0][0]]!.accept(selected[0][1])
  }

  return {
    run: async () => {
      const first = take()
      for (let burst = 0; burst < BURSTS; burst++) await Promise.all(all.map((exchange) => exchange.burst(2)))
      if (!even()) await first
      while (!even()) await take()
    },
    finish: async () => {
      for (const exchange of all) await finish(exchange, ledger, partner, ways)
    },
  }
}
