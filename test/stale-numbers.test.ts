import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import { expect } from 'chai'
import { Receiver } from 'wormhole-ipc'
import * as socket from '#lib/socket'
import { closesEnds } from './helpers/ends.js'
import { turn, turns } from './helpers/fill.js'
import { rawPair } from './helpers/raw.js'

/** How long the event loop is watched while nothing is to be done, in milliseconds. */
const IDLE_MS = 300
/** A loop that spins takes all of it; one that sleeps a few hundredths. */
const MOST_SHARE = 0.5

/** The share of that time for which this process was on a processor: its event loop has nothing but a timer. */
async function shareWhileIdle(): Promise<number> {
  // What was still to be done is done.
  await turns()
  const began = performance.now()
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (performance.now() - began)
}

describe('a descriptor whose number was closed behind our back, while a copy keeps its socket open', () => {
  const { open, keep } = closesEnds()

  it('does not keep the event loop spinning once nobody waits, and its copy gets what comes', async () => {
    const [sender, receiver] = open<string>()
    const copy = keep(receiver.clone())
    const waiting = receiver.recv()
    await turn()
    closeSync(receiver.fd)
    await sender.send('for the copy')
    const error = await waiting.catch((reason) => reason)
    expect(error).to.include({ code: 'ERR_WORMHOLE_SYSTEM', errno: -constants.errno.EBADF })
    expect(await shareWhileIdle()).to.be.below(MOST_SHARE)
    expect(await copy.recv()).to.equal('for the copy')
  })

  it('does not while others wait, one or many, and they get what is theirs', async () => {
    for (const others of [1, 3]) {
      const [sender, receiver] = open<string>()
      const copy = keep(receiver.clone())
      const waiting = receiver.recv()
      const pairs = Array.from({ length: others }, () => open<number>())
      const received = pairs.map(([, end]) => end.recv())
      await turn()
      closeSync(receiver.fd)
      await sender.send('for the copy')
      await waiting.catch(() => undefined)
      expect(await shareWhileIdle(), `${others} others`).to.be.below(MOST_SHARE)
      pairs.forEach(([end], index) => void end.send(index))
      expect(await Promise.all(received)).to.deep.equal(pairs.map((_, index) => index))
      expect(await copy.recv()).to.equal('for the copy')
    }
  })

  it('does not when its number is that of another channel, which waits and gets what is its own', async () => {
    const [sender, receiver] = open<string>()
    const copy = keep(receiver.clone())
    const { fd } = receiver
    const waiting = receiver.recv()
    waiting.catch(() => undefined)
    await turn()
    closeSync(fd)
    const [one, other] = rawPair(socket.SOCK_SEQPACKET)
    expect([one, other], 'the number is used again').to.include(fd)
    // The entry of the old socket is still there, and ready.
    await sender.send('for the copy')
    const next = fd === one ? other : one
    const far = keep(Receiver.fromFd<string>(next))
    const told = far.recv()
    expect(await shareWhileIdle()).to.be.below(MOST_SHARE)
    closeSync(fd)
    expect(await told.catch((reason) => reason.code)).to.equal('ERR_WORMHOLE_DISCONNECTED')
    expect(await copy.recv()).to.equal('for the copy')
  })

  it('does not for a sender that waits for room', async () => {
    const [sender, receiver] = open<string>()
    const copy = keep(sender.clone())
    while (sender.trySend('filler'));
    const sending = sender.send('one too many')
    await turn()
    closeSync(sender.fd)
    while (receiver.tryRecv() !== undefined);
    const error = await sending.catch((reason) => reason)
    expect(error).to.include({ code: 'ERR_WORMHOLE_SYSTEM' })
    expect(await shareWhileIdle()).to.be.below(MOST_SHARE)
    await copy.send('from the copy')
    expect(await receiver.recv()).to.equal('from the copy')
  })
})
