import { expect } from 'chai'
import { channel, type OwnedFd, Receiver, Sender } from 'wormhole-ipc'
import { Exchange, finish, type Ways } from '../exchange.js'
import type { Ledger, Numbered } from '../ledger.js'
import type { Prepare } from '../scenario.js'

const ways: Ways = {
  filler: 'handed over',
  open: (partner) => partner.echo(),
  send: (sender, message) => sender.send(message),
  receive: (receiver) => receiver.recv(),
}

/** Duplicates, moves and adopts ends while messages pass through them. */
export const handing: Prepare = async (ledger, partner) => {
  const exchange = await Exchange.open(ledger, partner, ways)
  return {
    run: async () => {
      await throughClones(exchange, ledger)
      exchange.sender = await readopt(ledger, exchange.sender.detach(), (fd) => Sender.fromFd(fd))
      exchange.receiver = await readopt(ledger, exchange.receiver.detach(), (fd) => Receiver.fromFd(fd))
      await throughMoved(exchange, ledger)
      await throughClones(exchange, ledger)
    },
    finish: () => finish(exchange, ledger, partner, ways),
  }
}

async function throughClones(exchange: Exchange, ledger: Ledger): Promise<void> {
  // A fault has ended it.
  if (exchange.sender.fd < 0) return
  const sending = await ledger.attempt(() => exchange.sender.clone())
  if (sending !== undefined) {
    await exchange.send((message) => sending[0].send(message))
    sending[0].close()
  }
  const receiving = await ledger.attempt(() => exchange.receiver.clone())
  if (receiving === undefined) return
  while (!exchange.even) {
    const message = await ledger.attempt(() => receiving[0].recv())
    if (message !== undefined) exchange.accept(message[0])
  }
  receiving[0].close()
}

/** Adopts a descriptor, which stays as it is where that fails. */
async function readopt<End>(ledger: Ledger, fd: number, adopt: (fd: number) => End): Promise<End> {
  for (;;) {
    const end = await ledger.attempt(() => adopt(fd))
    if (end !== undefined) return end[0]
  }
}

/** Moves the sending end of a new channel to the partner, who moves it back. */
async function throughMoved(exchange: Exchange, ledger: Ledger): Promise<void> {
  const made = await ledger.attempt(() => channel<string>())
  if (made === undefined) return
  const [sender, receiver] = made[0]
  const moved = await exchange.send((message) => exchange.sender.sendWithFds(message, [sender]))
  expect(sender.closed, 'whether it has moved').to.equal(moved)
  const back = moved ? await takeOwned(exchange, ledger) : undefined
  const again = back === undefined ? sender : await readopt(ledger, back.detach(), (fd) => Sender.fromFd<string>(fd))
  if ((await ledger.attempt(() => again.send('here'))) !== undefined) {
    let received: [string] | undefined
    while (received === undefined) received = await ledger.attempt(() => receiver.recv())
    expect(received[0]).to.equal('here')
  }
  again.close()
  receiver.close()
}

async function takeOwned(exchange: Exchange, ledger: Ledger): Promise<OwnedFd> {
  for (;;) {
    const taken = await ledger.attempt(() => exchange.receiver.recvWithFds())
    if (taken === undefined) continue
    const [message, [owned]] = taken[0] as [Numbered, OwnedFd[]]
    exchange.accept(message)
    if (owned !== undefined) return owned
  }
}
