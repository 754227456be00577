import { expect } from 'chai'
import { range } from '../../helpers/fill.js'
import { Exchange, type Ways } from '../exchange.js'
import type { Prepare } from '../scenario.js'

const ways: Ways = {
  filler: 'y'.repeat(500),
  open: (partner) => partner.echo(),
  send: (sender, message) => sender.send(message),
  receive: (receiver) => receiver.recv(),
}

const MANY = 200

/** `sendAll`, taken up again where it failed, and iteration, begun anew. */
export const iterating: Prepare = async (ledger, partner) => {
  const { sender, receiver } = await Exchange.open(ledger, partner, ways)
  const received: number[] = []

  function* numbers(first: number) {
    for (const number of range(MANY).slice(first)) yield { number, filler: ways.filler }
  }

  async function sendRest(): Promise<void> {
    let sent = 0
    while (sent < MANY) {
      const failed = (await ledger.attempt(() => sender.sendAll(numbers(sent)))) === undefined
      sent = sender.stats().messages
      if (failed && [...ledger.failures].some(({ code }) => code === 'ERR_WORMHOLE_DISCONNECTED')) return
    }
  }

  async function receiveRest(): Promise<void> {
    for (;;) {
      const ended = await ledger.attempt(async () => {
        for await (const message of receiver) received.push((message as { number: number }).number)
      })
      if (ended !== undefined) return
    }
  }

  return {
    run: async () => {
      const receiving = receiveRest()
      await sendRest()
      sender.close()
      await receiving
    },
    finish: async () => {
      receiver.close()
      expect(received).to.deep.equal(range(sender.stats().messages))
    },
  }
}
