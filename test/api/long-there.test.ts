import { expect } from 'chai'
import type { Receiver } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { range, spin, textOf } from '../helpers/fill.js'

/** Too long for one packet and for one read; the buffer of a side stream takes it whole. */
const LONG = textOf(230_000)
/** More packets and milliseconds than one turn of the event loop gives to ready channels. */
const PACKETS = 50
const MILLISECONDS = 20

// The rest of a long message may be put off to the next turn while it is under way, never once it is there.
describe('a message too long for one packet that is there when the turn is over', () => {
  leavesNoDescriptors()
  const { open } = closesEnds()

  /** A receiver for which it is there, in a turn in which too much has been received already. */
  async function overdue(): Promise<Receiver<string>> {
    const [sender, receiver] = open<string>({ coalesce: false })
    for (const index of range(PACKETS)) sender.sendSync(String(index))
    sender.sendSync(LONG)
    for (const _ of range(PACKETS)) await receiver.recv()
    spin(MILLISECONDS)
    return receiver
  }

  it('is given to tryRecv', async () => {
    expect((await overdue()).tryRecv() === LONG).to.equal(true)
  })

  it('wins over a timeout', async () => {
    expect((await overdue()).recvSync({ timeout: 0 }) === LONG).to.equal(true)
  })

  it('wins over an abort', async () => {
    const abort = new AbortController()
    const waiting = (await overdue()).recv({ signal: abort.signal })
    abort.abort()
    expect((await waiting) === LONG).to.equal(true)
  })
})
