import { channel } from 'wormhole-ipc'
import { turn } from '../../helpers/fill.js'
import { Exchange, finish, type Ways } from '../exchange.js'
import type { Prepare } from '../scenario.js'

/** More than a channel holds. */
const MANY = 300
/** More than a side stream's buffer holds. */
const LONG = 'long '.repeat(700_000)

function waysOf(filler: string): Ways {
  return {
    filler,
    open: async () => channel(),
    send: (sender, message) => sender.send(message),
    receive: (receiver) => receiver.recv(),
  }
}

/** Senders that wait for room, in a channel and in a side stream, before anybody reads. */
export const full: Prepare = async (ledger, partner) => {
  const short = waysOf('x'.repeat(1000))
  const long = waysOf(LONG)
  const shorts = await Exchange.open(ledger, partner, short)
  const longs = await Exchange.open(ledger, partner, long)
  return {
    run: async () => {
      const sends = [shorts.burst(MANY), longs.burst(1)] as const
      const pending = new Set<unknown>(sends)
      for (const send of sends) send.then(() => pending.delete(send))
      await turn()
      while (pending.has(sends[1]) || !longs.even) {
        await longs.take()
        await turn()
      }
      while (pending.has(sends[0]) || !shorts.even) await (shorts.even ? turn() : shorts.take())
    },
    finish: async () => {
      await finish(shorts, ledger, partner, short)
      longs.close()
    },
  }
}
