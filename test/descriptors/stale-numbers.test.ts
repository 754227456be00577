import { closeSync } from 'node:fs'
import { constants } from 'node:os'
import { expect } from 'chai'
import { Receiver } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { closesEnds } from '../helpers/ends.js'
import { turn, turns } from '../helpers/fill.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { frame } from '../helpers/reference-framer.js'

/** How long the event loop is watched while nothing is to be done, in milliseconds. */
const IDLE_MS = 300
/** Turns in that time more than before: one that sleeps has few, one that spins has thousands on a busy machine too. */
const MAX_TURNS = 50

/** How often the event loop comes round while it has nothing but a timer. */
async function turnsWhileIdle(): Promise<number> {
  // What was still to be done is done.
  await turns()
  const before = performance.nodeTiming.uvMetricsInfo.loopCount
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  return performance.nodeTiming.uvMetricsInfo.loopCount - before
}

describe('a descriptor whose number was closed behind our back, while a copy keeps its socket open', () => {
  const { open, keep } = closesEnds()
  /** With what other tests of this process have left. */
  let max = 0

  before(async () => {
    max = (await turnsWhileIdle()) + MAX_TURNS
  })

  it('does not keep the event loop spinning once nobody waits, and its copy gets what comes', async () => {
    const [sender, receiver] = open<string>()
    const copy = keep(receiver.clone())
    const waiting = receiver.recv()
    await turn()
    closeSync(receiver.fd)
    await sender.send('for the copy')
    const error = await waiting.catch((reason) => reason)
    expect(error).to.include({ code: 'ERR_WORMHOLE_SYSTEM', errno: -constants.errno.EBADF })
    expect(await turnsWhileIdle()).to.be.below(max)
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
      expect(await turnsWhileIdle(), `${others} others`).to.be.below(max)
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
    expect(await turnsWhileIdle()).to.be.below(max)
    closeSync(fd)
    expect(await told.catch((reason) => reason.code)).to.equal('ERR_WORMHOLE_DISCONNECTED')
    expect(await copy.recv()).to.equal('for the copy')
  })

  it('does not when its number is that of another receiver, which waits and gets what is its own', async () => {
    const [sender, receiver] = open<string>()
    const copy = keep(receiver.clone())
    const { fd } = receiver
    // An entry stays after a wait is over, until an event comes that nobody waits for.
    const aborting = new AbortController()
    const waiting = receiver.recv({ signal: aborting.signal })
    await turn()
    aborting.abort()
    await waiting.catch(() => undefined)
    closeSync(fd)
    const [one, other] = rawPair(socket.SOCK_SEQPACKET)
    expect([one, other], 'the number is used again').to.include(fd)
    const far = keep(Receiver.fromFd<string>(fd))
    const peer = fd === one ? other : one
    const told = far.recv()
    // Now that both are watched under one number, the entry of the old socket is ready.
    await turn()
    await sender.send('for the copy')
    expect(await turnsWhileIdle()).to.be.below(max)
    rawSend(peer, frame('"its own"'))
    expect(await told).to.equal('its own')
    expect(await copy.recv()).to.equal('for the copy')
    closeSync(peer)
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
    expect(await turnsWhileIdle()).to.be.below(max)
    await copy.send('from the copy')
    expect(await receiver.recv()).to.equal('from the copy')
  })
})
