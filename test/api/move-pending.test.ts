import { expect } from 'chai'
import { OwnedFd, Receiver, Sender, type WormholeError } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { fill, turn } from '../helpers/fill.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { frame } from '../helpers/reference-framer.js'

describe('an end that still holds messages', () => {
  leavesNoDescriptors()
  const { open, openStream, keep } = closesEnds()

  /** Expects that nothing can take the end away, with the number of messages that this would lose. */
  async function isPending(end: Sender<never> | Receiver<unknown>, held: number): Promise<void> {
    const [over, under] = open()
    const says = (error: WormholeError) => expect(error.message).to.match(new RegExp(`\\b${held}\\b`))
    says(throwsCode(() => end.detach(), 'ERR_WORMHOLE_PENDING'))
    says(await rejectsCode(over.sendWithFds('no', [end]), 'ERR_WORMHOLE_PENDING'))
    expect(under.tryRecv()).to.equal(undefined)
    expect(end.closed).to.equal(false)
  }

  it('refuses to go while it is a receiver with the rest of a packet', async () => {
    const [sender, receiver] = open<number>()
    await sender.sendAll([1, 2, 3, 4])
    expect(await receiver.recv()).to.equal(1)
    await isPending(receiver, 3)
    expect([await receiver.recv(), await receiver.recv()]).to.deep.equal([2, 3])
    await isPending(receiver, 1)
    expect(await receiver.recv()).to.equal(4)
    await sender.send(5)
    const moved = keep(Receiver.fromFd(receiver.detach()))
    expect(await moved.recv()).to.equal(5)
  })

  it('refuses to go while it is a sender with sends in the queue', async () => {
    const [sender, receiver] = open<number>()
    const full = fill(sender, (index) => index)
    const sends = [sender.send(full), sender.send(full + 1)]
    await isPending(sender, 2)
    for (let index = 0; index < full + 2; index++) expect(await receiver.recv()).to.equal(index)
    await Promise.all(sends)
    const moved = keep(Sender.fromFd(sender.detach()))
    await moved.send('after')
    expect(await receiver.recv()).to.equal('after')
  })

  it('counts what a sendAll has in the queue, or the one that it waits for', async () => {
    const [sender, receiver] = open<number>()
    const full = fill(sender, (index) => index)
    const sent = sender.sendAll([full, full + 1, full + 2])
    await isPending(sender, 3)
    for (let index = 0; index < full + 3; index++) expect(await receiver.recv()).to.equal(index)
    await sent
    let yieldLast: (value: number) => void = () => undefined
    const last = new Promise<number>((resolve) => {
      yieldLast = resolve
    })
    const waiting = sender.sendAll(
      (async function* () {
        yield await last
      })()
    )
    await isPending(sender, 1)
    yieldLast(full)
    expect(await receiver.recv()).to.equal(full)
    expect(await waiting).to.equal(1)
  })

  it('refuses to go in the tick of a send', async () => {
    const [sender] = open<number>()
    const sent = sender.send(1)
    throwsCode(() => sender.detach(), 'ERR_WORMHOLE_PENDING')
    await sent
    keep(Sender.fromFd(sender.detach()))
  })

  it('refuses to go while it is a sender in the middle of a long message', async () => {
    const [sender, receiver] = open<string>()
    const long = 'x'.repeat(5_000_000)
    const sent = sender.send(long)
    await turn()
    await isPending(sender, 1)
    expect((await receiver.recv()) === long).to.equal(true)
    await sent
    keep(Sender.fromFd(sender.detach()))
  })

  it('refuses to go while it is a receiver in the middle of a long message', async () => {
    const [sender, receiver] = open<string>()
    const long = 'x'.repeat(5_000_000)
    const sent = sender.send(long)
    await turn()
    expect(receiver.tryRecv()).to.equal(undefined)
    await isPending(receiver, 1)
    expect((await receiver.recv()) === long).to.equal(true)
    await sent
    keep(Receiver.fromFd(receiver.detach()))
  })

  it('refuses to go while it is a stream\u2019s receiver with a part of a frame', async () => {
    const [peer, own] = rawPair(socket.SOCK_STREAM)
    const receiver = keep(Receiver.fromFd(own))
    keep(new OwnedFd(peer))
    const bytes = frame('"cut"')
    rawSend(peer, Buffer.concat([frame('1'), bytes.subarray(0, 3)]))
    expect(await receiver.recv()).to.equal(1)
    await isPending(receiver, 1)
    rawSend(peer, bytes.subarray(3))
    expect(await receiver.recv()).to.equal('cut')
    keep(new OwnedFd(receiver.detach()))
  })

  it('goes once the rest of a stream\u2019s queue is received', async () => {
    const [sender, receiver] = openStream<number>()
    await Promise.all([sender.send(1), sender.send(2)])
    expect(await receiver.recv()).to.equal(1)
    await isPending(receiver, 1)
    expect(await receiver.recv()).to.equal(2)
    keep(Receiver.fromFd(receiver.detach()))
  })
})
