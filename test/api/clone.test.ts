import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd, Receiver, Sender } from 'wormhole-ipc'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { CLOSE_ON_EXEC, flagsOf, isOpen, openText, textOf } from '../helpers/files.js'
import { fill, turn } from '../helpers/fill.js'

describe('a clone of an end', () => {
  leavesNoDescriptors()
  const { open, openStream, keep } = closesEnds()

  for (const [type, make] of [
    ['SOCK_SEQPACKET', open],
    ['SOCK_STREAM', openStream],
  ] as const) {
    it(`sends into the same channel, and outlives the original (${type})`, async () => {
      const [sender, receiver] = make<number>()
      const clone = keep(sender.clone())
      expect(clone.fd).to.not.equal(sender.fd)
      await sender.send(1)
      await clone.send(2)
      sender.close()
      await clone.send(3)
      clone.close()
      expect(await collect(receiver)).to.deep.equal([1, 2, 3])
    })

    it(`is outlived by the original sender (${type})`, async () => {
      const [sender, receiver] = make<number>()
      sender.clone().close()
      await sender.send(1)
      sender.close()
      expect(await collect(receiver)).to.deep.equal([1])
    })

    it(`receives from the same channel, and outlives the original (${type})`, async () => {
      const [sender, receiver] = make<number>()
      const clone = keep(receiver.clone())
      await sender.send(1)
      expect(await receiver.recv()).to.equal(1)
      receiver.close()
      await sender.send(2)
      expect(await clone.recv()).to.equal(2)
      clone.close()
      await rejectsCode(sender.send(3), 'ERR_WORMHOLE_DISCONNECTED')
    })
  }

  it('is close-on-exec', () => {
    const [sender, receiver] = open()
    for (const clone of [keep(sender.clone()), keep(receiver.clone())]) {
      expect(flagsOf(clone.fd) & CLOSE_ON_EXEC).to.equal(CLOSE_ON_EXEC)
    }
  })

  it('keeps the options of the original', async () => {
    const [sender, receiver] = open<string>({ maxMessageBytes: 10 })
    await rejectsCode(keep(sender.clone()).send('x'.repeat(100)), 'ERR_WORMHOLE_TOO_LARGE')
    const roomy = keep(Sender.fromFd<string>(sender.detach()))
    await roomy.send('x'.repeat(100))
    await rejectsCode(keep(receiver.clone()).recv(), 'ERR_WORMHOLE_TOO_LARGE')
  })

  it('can be made while the original has sends in the queue, and does not have them', async () => {
    const [sender, receiver] = open<number>()
    const full = fill(sender, (index) => index)
    const sent = sender.send(full)
    const clone = keep(sender.clone())
    expect([sender.stats().queued, clone.stats().queued]).to.deep.equal([1, 0])
    clone.close()
    for (let index = 0; index <= full; index++) expect(await receiver.recv()).to.equal(index)
    await sent
  })

  it('shares the messages with an original that waits', async () => {
    const [sender, receiver] = open<number>({ coalesce: false })
    const clone = keep(receiver.clone())
    const waiting = Promise.all([receiver.recv(), clone.recv()])
    await Promise.all([sender.send(1), sender.send(2)])
    expect((await waiting).sort()).to.deep.equal([1, 2])
  })

  it('is refused once the original is closed or the other ends are gone', async () => {
    const [sender, receiver] = open()
    const [other, gone] = open()
    sender.close()
    throwsCode(() => sender.clone(), 'ERR_WORMHOLE_CLOSED')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => receiver.clone(), 'ERR_WORMHOLE_DISCONNECTED')
    gone.close()
    await rejectsCode(other.send(1), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => other.clone(), 'ERR_WORMHOLE_DISCONNECTED')
  })
})

describe('detach and fromFd', () => {
  leavesNoDescriptors()
  const { open, openStream, keep } = closesEnds()

  for (const [type, make] of [
    ['SOCK_SEQPACKET', open],
    ['SOCK_STREAM', openStream],
  ] as const) {
    it(`hand a descriptor on within the process, and nothing is lost (${type})`, async () => {
      const [sender, receiver] = make<number>()
      await sender.send(1)
      const before = openDescriptors()
      const second = keep(Sender.fromFd<number>(sender.detach()))
      await second.send(2)
      const taker = keep(Receiver.fromFd<number>(receiver.detach()))
      expect([await taker.recv(), await taker.recv()]).to.deep.equal([1, 2])
      expect(openDescriptors()).to.equal(before)
    })
  }

  it('leave the detached end closed, and its number open for the next owner', async () => {
    const [sender, receiver] = open()
    const fds = [sender.fd, receiver.fd]
    expect([sender.detach(), receiver.detach()]).to.deep.equal(fds)
    for (const end of [sender, receiver]) {
      expect([end.fd, end.closed]).to.deep.equal([-1, true])
      throwsCode(() => end.detach(), 'ERR_WORMHOLE_CLOSED')
      throwsCode(() => end.clone(), 'ERR_WORMHOLE_CLOSED')
      end.close()
    }
    throwsCode(() => void sender.send(1), 'ERR_WORMHOLE_CLOSED')
    throwsCode(() => void receiver.recv(), 'ERR_WORMHOLE_CLOSED')
    expect(fds.map(isOpen)).to.deep.equal([true, true])
    for (const fd of fds) closeSync(fd)
  })

  it('reject a recv that waits on the detached end', async () => {
    const [sender, receiver] = open()
    const waiting = receiver.recv()
    const second = keep(Receiver.fromFd(receiver.detach()))
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    await sender.send('for the second')
    expect(await second.recv()).to.equal('for the second')
  })

  it('watch the number anew for its next owner', async () => {
    const [sender, receiver] = open()
    void receiver.recv().catch(() => undefined)
    await turn()
    const second = keep(Receiver.fromFd(receiver.detach()))
    const waiting = second.recv()
    await turn()
    await sender.send('woken')
    expect(await waiting).to.equal('woken')
  })

  it('refuse a number that is not open, is owned, or is no socket of a channel, and leave it alone', () => {
    const [sender] = open()
    const file = openText('no socket')
    for (const from of [Sender.fromFd, Receiver.fromFd]) {
      for (const bad of [987_654, -1, 1.5, Number.NaN, 2 ** 32, sender.fd, file]) {
        throwsCode(() => from(bad), 'ERR_WORMHOLE_BAD_FD')
      }
    }
    expect(isOpen(sender.fd)).to.equal(true)
    // A refused number is not owned: it can be adopted as what it is.
    expect(textOf(keep(new OwnedFd(file)))).to.equal('no socket')
  })
})
