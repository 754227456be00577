import { channel } from 'wormhole-ipc'
import { turns } from '../../helpers/fill.js'
import { Exchange, finish, type Ways } from '../exchange.js'
import type { Prepare } from '../scenario.js'

const ways: Ways = {
  filler: 'waited for',
  open: async () => channel(),
  send: (sender, message) => sender.send(message),
  receive: (receiver) => receiver.recv(),
}

const ROUNDS = 3

/** A receiver that waits, lets a message lie until its watch is given up, and waits again. */
export const waiting: Prepare = async (ledger, partner) => {
  const exchange = await Exchange.open(ledger, partner, ways)
  return {
    run: async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const taking = exchange.take()
        await exchange.burst(1)
        await taking
        await exchange.burst(1)
        await turns()
        await exchange.drain()
      }
    },
    finish: () => finish(exchange, ledger, partner, ways),
  }
}
