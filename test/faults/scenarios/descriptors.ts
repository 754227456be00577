import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd, type Sender } from 'wormhole-ipc'
import { openText, textOf } from '../../helpers/files.js'
import { exchanging } from '../exchange.js'
import type { Numbered } from '../ledger.js'

/** Messages with a file that stays the sender's and one that is moved. */
export const descriptors = exchanging(
  () => ({
    filler: 'with files',
    open: (partner) => partner.echo(),
    send,
    receive: async (receiver) => {
      const [message, fds] = await receiver.recvWithFds()
      const texts = fds.map(textOf)
      for (const fd of fds) fd.close()
      const { number } = message as Numbered
      expect(texts).to.deep.equal([`lent ${number}`, `moved ${number}`])
      return message
    },
  }),
  [1, 2, 2]
)

async function send(sender: Sender, message: Numbered): Promise<void> {
  const lent = openText(`lent ${message.number}`)
  const moved = own(openText(`moved ${message.number}`), lent)
  let sent = false
  try {
    await sender.sendWithFds(message, [lent, moved])
    sent = true
  } finally {
    expect(moved.fd < 0, 'whether it has moved').to.equal(sent)
    closeSync(lent)
    moved.close()
  }
}

function own(fd: number, beside: number): OwnedFd {
  try {
    return new OwnedFd(fd)
  } catch (error) {
    closeSync(fd)
    closeSync(beside)
    throw error
  }
}
