import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd, type Receiver } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { CLOSE_ON_EXEC, flagsOf, openText, textOf, withFiles } from '../helpers/files.js'
import { range } from '../helpers/fill.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { frame } from '../helpers/reference-framer.js'

const LONG = 'long '.repeat(200_000)

describe('descriptors on a SOCK_STREAM channel', () => {
  leavesNoDescriptors()
  const { openStream, keep } = closesEnds()
  /** A message and the texts of the files that came with it. */
  const next = async (receiver: Receiver): Promise<[unknown, string[]]> => {
    const [message, fds] = await receiver.recvWithFds()
    return [message, fds.map(keep).map(textOf)]
  }

  for (const count of [0, 1, 253]) {
    it(`carries ${count} of them`, async () => {
      const [sender, receiver] = openStream()
      await withFiles(count, (fds) => sender.sendWithFds('files', fds))
      expect(await next(receiver)).to.deep.equal(['files', range(count).map((index) => `file ${index}`)])
    })
  }

  it('refuses 254 and sends nothing', async () => {
    const [sender, receiver] = openStream()
    await rejectsCode(sender.sendWithFds('files', Array<number>(254).fill(0)), 'ERR_WORMHOLE_TOO_MANY_FDS')
    expect(receiver.tryRecv()).to.equal(undefined)
  })

  it('gives them to their message, whatever is queued around it', async () => {
    const [sender, receiver] = openStream()
    await withFiles(3, ([first, second, third]) =>
      Promise.all([
        sender.send(1),
        sender.send(2),
        sender.sendWithFds('a', [first as number]),
        sender.send(3),
        sender.sendWithFds('b', [second as number]),
        sender.sendWithFds('c', [third as number]),
        sender.send(4),
      ])
    )
    const received: [unknown, string[]][] = []
    for (let index = 0; index < 7; index++) received.push(await next(receiver))
    expect(received).to.deep.equal([
      [1, []],
      [2, []],
      ['a', ['file 0']],
      [3, []],
      ['b', ['file 1']],
      ['c', ['file 2']],
      [4, []],
    ])
  })

  it('gives 253 of them to a message that comes in many pieces', async () => {
    const [sender, receiver] = openStream()
    const sent = withFiles(253, (fds) =>
      Promise.all([sender.send('before'), sender.sendWithFds(LONG, fds), sender.send('after')])
    )
    expect(await next(receiver)).to.deep.equal(['before', []])
    const [message, texts] = await next(receiver)
    expect([message === LONG, texts.length, texts[252]]).to.deep.equal([true, 253, 'file 252'])
    expect(await next(receiver)).to.deep.equal(['after', []])
    await sent
  })

  it('gives each of several long messages its own', async () => {
    const [sender, receiver] = openStream()
    const sent = withFiles(3, (fds) => Promise.all(fds.map((fd) => sender.sendWithFds(LONG, [fd]))))
    for (const index of range(3)) {
      const [message, texts] = await next(receiver)
      expect([message === LONG, texts]).to.deep.equal([true, [`file ${index}`]])
    }
    await sent
  })

  it('makes them close-on-exec, and moves an OwnedFd', async () => {
    const [sender, receiver] = openStream()
    const owned = new OwnedFd(openText('moved'))
    await sender.sendWithFds('moved', [owned])
    expect(owned.fd).to.equal(-1)
    const [, [arrived]] = await receiver.recvWithFds()
    expect(textOf(keep(arrived as OwnedFd))).to.equal('moved')
    expect(flagsOf(arrived?.fd as number) & CLOSE_ON_EXEC).to.equal(CLOSE_ON_EXEC)
  })

  it('carries them with the blocking twins', async () => {
    const [sender, receiver] = openStream<string>()
    await withFiles(1, (fds) => sender.sendWithFdsSync('blocking', fds))
    const [message, fds] = receiver.recvWithFdsSync({ timeout: 1000 })
    expect([message, ...fds.map(keep).map(textOf)]).to.deep.equal(['blocking', 'file 0'])
  })

  it('closes them when nobody takes them', async () => {
    const [sender, receiver] = openStream()
    await withFiles(2, (fds) => sender.sendWithFds('files', fds))
    const before = openDescriptors()
    expect(await receiver.recv()).to.equal('files')
    expect(openDescriptors()).to.equal(before)
  })

  it('closes them with a receiver that has read and not delivered them', async () => {
    const [sender, receiver] = openStream()
    await withFiles(2, (fds) => Promise.all([sender.send('first'), sender.sendWithFds('files', fds)]))
    const before = openDescriptors()
    expect(await receiver.recv()).to.equal('first')
    expect(openDescriptors()).to.equal(before + 2)
    receiver.close()
    expect(openDescriptors()).to.equal(before - 1)
  })
})

describe('descriptors on a byte stream whose frames are cut by another sender', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  let peer = -1
  let file = -1
  let own = -1
  beforeEach(() => {
    const pair = rawPair(socket.SOCK_STREAM)
    peer = pair[0]
    own = pair[1]
    file = openText('cut')
  })
  afterEach(() => {
    closeSync(peer)
    closeSync(file)
  })

  for (const cut of [1, 7, 8, 9]) {
    it(`belong to the frame whose first ${cut} bytes they came with`, async () => {
      const receiver = keep(new OwnedFd(own).receiver())
      const bytes = frame('"cut"')
      rawSend(peer, Buffer.concat([frame('1'), bytes.subarray(0, cut)]), [file])
      expect(await receiver.recvWithFds()).to.deep.equal([1, []])
      const waiting = receiver.recvWithFds()
      rawSend(peer, Buffer.concat([bytes.subarray(cut), frame('2')]))
      const [message, fds] = await waiting
      expect([message, ...fds.map(keep).map(textOf)]).to.deep.equal(['cut', 'cut'])
      expect(await receiver.recvWithFds()).to.deep.equal([2, []])
    })

    it(`are closed with a refused message, and not the next one's, when ${cut} bytes came with them`, async () => {
      const receiver = keep(new OwnedFd(own).receiver({ maxMessageBytes: 10 }))
      const before = openDescriptors()
      const bytes = frame(JSON.stringify('x'.repeat(100)))
      const refused = receiver.recvWithFds()
      rawSend(peer, bytes.subarray(0, cut), [file])
      rawSend(peer, bytes.subarray(cut, 20))
      await rejectsCode(refused, 'ERR_WORMHOLE_TOO_LARGE')
      rawSend(peer, Buffer.concat([bytes.subarray(20), frame('"next"')]))
      expect(await receiver.recvWithFds()).to.deep.equal(['next', []])
      expect(openDescriptors()).to.equal(before)
    })
  }

  it('are closed when the stream ends before the frame', async () => {
    const receiver = keep(new OwnedFd(own).receiver())
    const [extra, other] = rawPair(socket.SOCK_STREAM)
    const cut = keep(new OwnedFd(other).receiver())
    rawSend(extra, frame('', 100n), [file])
    closeSync(extra)
    const before = openDescriptors()
    await rejectsCode(cut.recvWithFds(), 'ERR_WORMHOLE_TRUNCATED')
    await rejectsCode(cut.recvWithFds(), 'ERR_WORMHOLE_DISCONNECTED')
    expect(openDescriptors()).to.equal(before - 1)
    expect(receiver.tryRecv()).to.equal(undefined)
  })

  it('are closed when the framing is lost', async () => {
    const receiver = keep(new OwnedFd(own).receiver())
    const before = openDescriptors()
    rawSend(peer, frame('"absurd"', 2n ** 62n), [file])
    await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_MALFORMED')
    await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_DISCONNECTED')
    expect(openDescriptors()).to.equal(before - 1)
  })

  it('are closed when the message is not JSON, and the next one has its own', async () => {
    const receiver = keep(new OwnedFd(own).receiver())
    const before = openDescriptors()
    rawSend(peer, frame('nonsense'), [peer])
    rawSend(peer, frame('"next"'), [file])
    await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_MALFORMED')
    const [message, fds] = await receiver.recvWithFds()
    expect([message, ...fds.map(keep).map(textOf)]).to.deep.equal(['next', 'cut'])
    expect(openDescriptors()).to.equal(before + 1)
  })
})
