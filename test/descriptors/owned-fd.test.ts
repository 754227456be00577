import { closeSync, openSync } from 'node:fs'
import { expect } from 'chai'
import { channel, OwnedFd, type Receiver, type Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { throwsCode } from '../helpers/expect-error.js'
import { CLOSE_ON_EXEC, flagsOf, isOpen, openPipe, openText, textOf } from '../helpers/files.js'
import { rawPair } from '../helpers/raw.js'

/** A number that is open nowhere. */
const NOT_OPEN = 987_654

describe('OwnedFd', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const own = (fd: number): OwnedFd => keep(new OwnedFd(fd))

  it('owns the number it was made from, and makes it close-on-exec', () => {
    const [fd] = openPipe()
      .map(own)
      .map((owned) => owned.fd) as [number]
    expect(isOpen(fd)).to.equal(true)
    const owned = own(openText('text'))
    expect([textOf(owned), flagsOf(owned.fd) & CLOSE_ON_EXEC]).to.deep.equal(['text', CLOSE_ON_EXEC])
  })

  it('says of what kind it is', () => {
    expect(own(openText('')).kind).to.equal('file')
    expect(own(openSync('/', 'r')).kind).to.equal('directory')
    expect(own(openSync('/dev/null', 'r')).kind).to.equal('character-device')
    expect(openPipe().map((fd) => own(fd).kind)).to.deep.equal(['pipe', 'pipe'])
    expect(rawPair(socket.SOCK_STREAM).map((fd) => own(fd).kind)).to.deep.equal(['socket', 'socket'])
  })

  it('closes its descriptor once, however often it is told', () => {
    const owned = own(openText(''))
    const { fd } = owned
    owned.close()
    expect([owned.fd, isOpen(fd)]).to.deep.equal([-1, false])
    const reused = openText('somebody else\u2019s')
    expect(reused).to.equal(fd)
    owned.close()
    owned[Symbol.dispose]()
    expect(textOf({ fd: reused })).to.equal('somebody else\u2019s')
    closeSync(reused)
  })

  it('is closed by dispose', () => {
    const owned = own(openText(''))
    const { fd } = owned
    owned[Symbol.dispose]()
    expect([owned.fd, isOpen(fd)]).to.deep.equal([-1, false])
  })

  it('gives its descriptor up, still open, with detach', () => {
    const owned = own(openText('detached'))
    const fd = owned.detach()
    owned.close()
    expect([owned.fd, textOf({ fd })]).to.deep.equal([-1, 'detached'])
    expect(own(fd).fd).to.equal(fd)
  })

  it('refuses to adopt what is no number of an open descriptor', () => {
    const closed = openText('')
    closeSync(closed)
    for (const bad of [closed, NOT_OPEN, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32 + 1]) {
      throwsCode(() => new OwnedFd(bad), 'ERR_WORMHOLE_BAD_FD')
    }
    for (const bad of [undefined, null, '3', {}, 3n]) {
      throwsCode(() => new OwnedFd(bad as unknown as number), 'ERR_WORMHOLE_BAD_FD')
    }
  })

  it('refuses to adopt what another object owns, which goes on owning it', () => {
    const owned = own(openText('mine'))
    throwsCode(() => new OwnedFd(owned.fd), 'ERR_WORMHOLE_BAD_FD')
    const ends = channel()
    for (const end of ends) {
      keep(end)
      throwsCode(() => new OwnedFd(end.fd), 'ERR_WORMHOLE_BAD_FD')
    }
    expect(textOf(owned)).to.equal('mine')
  })

  it('throws ERR_WORMHOLE_CLOSED at every use after close, detach or a hand-over', async () => {
    const closed = own(openText(''))
    closed.close()
    const detached = own(openText(''))
    closeSync(detached.detach())
    const handedOver = own(openText(''))
    handedOver.readStream().destroy()
    for (const owned of [closed, detached, handedOver]) {
      expect(owned.fd).to.equal(-1)
      const uses = [
        () => owned.kind,
        () => owned.detach(),
        () => owned.map(),
        () => owned.toSocket(),
        () => owned.readStream(),
        () => owned.writeStream(),
        () => owned.sender(),
        () => owned.receiver(),
      ]
      for (const use of uses) throwsCode(use, 'ERR_WORMHOLE_CLOSED')
      const server = await (async () => owned.toServer())().catch((error: unknown) => error)
      expect(server).to.have.property('code', 'ERR_WORMHOLE_CLOSED')
    }
  })

  for (const [name, type] of [
    ['SOCK_SEQPACKET', socket.SOCK_SEQPACKET],
    ['SOCK_STREAM', socket.SOCK_STREAM],
  ] as const) {
    it(`becomes both ends of a channel over ${name}`, async () => {
      const [first, second] = rawPair(type).map(own) as [OwnedFd, OwnedFd]
      const [sender, receiver] = [keep(first.sender<number>()), keep(second.receiver<number>())]
      expect([first.fd, second.fd]).to.deep.equal([-1, -1])
      await sender.send(1776)
      expect(await receiver.recv()).to.equal(1776)
    })
  }

  it('passes options on to the end that it becomes', async () => {
    const [first, second] = rawPair(socket.SOCK_SEQPACKET).map(own) as [OwnedFd, OwnedFd]
    const [sender, receiver] = [keep(first.sender<number>({ coalesce: false })), keep(second.receiver<number>())]
    await Promise.all([sender.send(1), sender.send(2)])
    expect(sender.stats().packets).to.equal(2)
    expect([await receiver.recv(), await receiver.recv()]).to.deep.equal([1, 2])
  })

  it('is not used up by options that are refused', () => {
    const [first] = rawPair(socket.SOCK_SEQPACKET).map(own) as [OwnedFd]
    for (const make of [first.sender, first.receiver] as ((options: object) => Sender | Receiver)[]) {
      throwsCode(() => make.call(first, { maxMessageBytes: -1 }), 'ERR_WORMHOLE_ARGUMENT')
    }
    keep(first.sender())
  })

  it('leaves as many descriptors open as it found when an adoption fails', () => {
    const fd = openText('not a socket')
    const before = openDescriptors()
    const owned = own(fd)
    throwsCode(() => owned.sender(), 'ERR_WORMHOLE_BAD_FD')
    throwsCode(() => owned.receiver(), 'ERR_WORMHOLE_BAD_FD')
    expect([openDescriptors(), textOf(owned)]).to.deep.equal([before, 'not a socket'])
    throwsCode(() => new OwnedFd(owned.fd), 'ERR_WORMHOLE_BAD_FD')
  })
})
