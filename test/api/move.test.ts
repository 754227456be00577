import { expect } from 'chai'
import type { OwnedFd, Receiver } from 'wormhole-ipc'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { isOpen } from '../helpers/files.js'
import { fill, turn } from '../helpers/fill.js'

describe('moving an end through a channel', () => {
  leavesNoDescriptors()
  const { open, openStream, keep } = closesEnds()
  const firstOf = async (receiver: Receiver<unknown>): Promise<OwnedFd> => {
    const [, [owned]] = await receiver.recvWithFds()
    return keep(owned as OwnedFd)
  }

  for (const [type, carrier] of [
    ['SOCK_SEQPACKET', open],
    ['SOCK_STREAM', openStream],
  ] as const) {
    it(`carries a sender, which sends from the other side (over ${type})`, async () => {
      const [over, under] = carrier()
      const [sender, receiver] = open<string>()
      await over.sendWithFds('a sender', [sender])
      const moved = keep((await firstOf(under)).sender<string>())
      await moved.send('from there')
      expect(await receiver.recv()).to.equal('from there')
    })

    it(`carries a receiver, which receives at the other side (over ${type})`, async () => {
      const [over, under] = carrier()
      const [sender, receiver] = open<string>()
      await sender.send('before')
      await over.sendWithFds('a receiver', [receiver])
      await sender.send('meanwhile')
      const moved = keep((await firstOf(under)).receiver<string>())
      expect([await moved.recv(), await moved.recv()]).to.deep.equal(['before', 'meanwhile'])
    })
  }

  it('carries an end of a SOCK_STREAM channel', async () => {
    const [over, under] = open()
    const [sender, receiver] = openStream<string>()
    await over.sendWithFds('both', [sender, receiver])
    const [, [first, second]] = (await under.recvWithFds()) as [unknown, [OwnedFd, OwnedFd]]
    await keep(first.sender()).send('there and back')
    expect(await keep(second.receiver()).recv()).to.equal('there and back')
  })

  it('closes the end here once the kernel has it, so that the last sender\u2019s close is the end', async () => {
    const [over, under] = open()
    const [sender, receiver] = open<string>()
    const { fd } = sender
    await over.sendWithFds('a sender', [sender])
    expect([sender.fd, sender.closed, isOpen(fd)]).to.deep.equal([-1, true, false])
    const moved = (await firstOf(under)).sender<string>()
    await moved.send('last')
    moved.close()
    expect(await receiver.recv()).to.equal('last')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('makes the end visible to the sender when a moved receiver closes', async () => {
    const [over, under] = open()
    const [sender, receiver] = open<string>()
    await over.sendWithFds('a receiver', [receiver])
    ;(await firstOf(under)).receiver().close()
    await rejectsCode(sender.send('nobody'), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('makes the end visible when nobody takes the moved sender', async () => {
    const [over, under] = open()
    const [sender, receiver] = open<string>()
    await over.sendWithFds('a sender', [sender])
    expect(await under.recv()).to.equal('a sender')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('makes the end visible when the channel that carries the sender is closed unread', async () => {
    const [over, under] = open()
    const [sender, receiver] = open<string>()
    await over.sendWithFds('a sender', [sender])
    under.close()
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('carries a sender through itself', async () => {
    const [sender, receiver] = open<string>()
    await sender.sendWithFds('myself', [sender])
    expect([sender.fd, sender.closed]).to.deep.equal([-1, true])
    throwsCode(() => void sender.send('gone'), 'ERR_WORMHOLE_CLOSED')
    const moved = (await firstOf(receiver)).sender<string>()
    await moved.send('back again')
    moved.close()
    expect(await collect(receiver)).to.deep.equal(['back again'])
  })

  it('carries a sender through itself once the full channel has room', async () => {
    const [sender, receiver] = open<number>()
    const full = fill(sender, (index) => index)
    const sent = sender.sendWithFds(-1, [sender])
    throwsCode(() => void sender.send(full), 'ERR_WORMHOLE_CLOSED')
    for (let index = 0; index < full; index++) expect(await receiver.recv()).to.equal(index)
    const moved = keep((await firstOf(receiver)).sender<number>())
    await sent
    await moved.send(1776)
    expect(await receiver.recv()).to.equal(1776)
  })

  it('carries a sender with what was flushed before still in front of it', async () => {
    const [over, under] = open()
    const [sender, receiver] = open<number>()
    void sender.send(1)
    await sender.flush()
    await over.sendWithFds('a sender', [sender])
    await keep((await firstOf(under)).sender<number>()).send(2)
    expect([await receiver.recv(), await receiver.recv()]).to.deep.equal([1, 2])
  })

  it('throws ERR_WORMHOLE_CLOSED at once at each use of an end that is being moved', async () => {
    const [over, under] = open()
    const [sender, receiver] = open<string>()
    const sent = over.sendWithFds('both', [sender, receiver])
    const uses: (() => unknown)[] = [
      () => sender.send('x'),
      () => sender.sendWithFds('x', []),
      () => sender.sendAll(['x']),
      () => sender.trySend('x'),
      () => sender.sendSync('x'),
      () => sender.writable(),
      () => sender.clone(),
      () => sender.detach(),
      () => receiver.recv(),
      () => receiver.recvWithFds(),
      () => receiver.tryRecv(),
      () => receiver.recvSync({ timeout: 0 }),
      () => receiver.clone(),
      () => receiver.detach(),
    ]
    for (const use of uses) throwsCode(use, 'ERR_WORMHOLE_CLOSED')
    await sent
    for (const use of uses) throwsCode(use, 'ERR_WORMHOLE_CLOSED')
    expect([sender.closed, receiver.closed]).to.deep.equal([true, true])
    await under.recv()
  })

  it('rejects a recv that waits on the end that is moved, which goes on at the other side', async () => {
    const [over, under] = open()
    const [sender, receiver] = open<string>()
    const waiting = receiver.recv()
    await over.sendWithFds('a receiver', [receiver])
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    await sender.send('still there')
    expect(await keep((await firstOf(under)).receiver()).recv()).to.equal('still there')
  })

  it('leaves ends usable, with what waits on them, when another descriptor of the message is refused', async () => {
    const [over] = open()
    const [sender, receiver] = open<string>()
    const waiting = receiver.recv()
    await rejectsCode(over.sendWithFds('refused', [receiver, sender, 987_654]), 'ERR_WORMHOLE_BAD_FD')
    await sender.send('undisturbed')
    expect(await waiting).to.equal('undisturbed')
  })

  it('leaves ends usable when the message cannot be sent', async () => {
    const [over, under] = open()
    const [sender, receiver] = open<string>()
    under.close()
    await rejectsCode(over.sendWithFds('nobody', [sender, receiver]), 'ERR_WORMHOLE_DISCONNECTED')
    expect([sender.closed, receiver.closed]).to.deep.equal([false, false])
    await sender.send('as before')
    expect(await receiver.recv()).to.equal('as before')
  })

  it('closes ends that were closed while the message waited, though it cannot be sent', async () => {
    const [over, under] = open()
    fill(over, (index) => index)
    const [sender, receiver] = open<string>()
    const before = openDescriptors()
    const sent = over.sendWithFds('nobody', [sender, receiver])
    sender.close()
    receiver.close()
    under.close()
    await rejectsCode(sent, 'ERR_WORMHOLE_DISCONNECTED')
    await turn()
    expect([sender.closed, receiver.closed]).to.deep.equal([true, true])
    // Two ends, and both of the carrier.
    expect(openDescriptors()).to.equal(before - 4)
  })
})
