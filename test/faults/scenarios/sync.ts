import type { Receiver, Sender } from 'wormhole-ipc'
import { Exchange, finish, type Ways } from '../exchange.js'
import type { Numbered } from '../ledger.js'
import type { Prepare } from '../scenario.js'

/** Longer than any answer takes: a call that loses its message ends here, not never. */
const TIMEOUT = { timeout: 10_000 }

const ways: Ways = {
  filler: 'blocking',
  open: (partner) => partner.echo(),
  send: (sender: Sender, message: Numbered) => {
    if (message.number % 3 === 0) sender.sendSync(message, TIMEOUT)
    else if (message.number % 3 === 1) sender.sendWithFdsSync(message, [0], TIMEOUT)
    else while (!sender.trySend(message));
  },
  receive: (receiver: Receiver) => {
    const there = receiver.tryRecv()
    if (there !== undefined) return there
    const [message, fds] = receiver.recvWithFdsSync(TIMEOUT)
    for (const fd of fds) fd.close()
    return message
  },
}

const ROUNDS = 6

/** The calls that block, one message after the other. */
export const sync: Prepare = async (ledger, partner) => {
  const exchange = await Exchange.open(ledger, partner, ways)
  return {
    run: async () => {
      for (let round = 0; round < ROUNDS; round++) {
        await exchange.burst(1)
        await exchange.drain()
      }
    },
    finish: () => finish(exchange, ledger, partner, ways),
  }
}
