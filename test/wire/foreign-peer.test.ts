import { createHash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { Receiver, Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import type { Child } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { openText, textOf } from '../helpers/files.js'
import { range } from '../helpers/fill.js'
import { reportOf, reports, startPeer } from '../helpers/peer.js'
import { rawPair } from '../helpers/raw.js'
import { usesChildren } from '../helpers/uses-children.js'

/** What the peer's program sends as a large message: 10 bytes of UTF-8 in 5 UTF-16 units, again and again. */
const LARGE = 'é€😀x'.repeat(500_000)

describe('a peer in another language that receives', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open } = closesEnds()

  /** Starts a peer at the receiving end of a channel that never shares packets. */
  function startReceiving(): [Sender<unknown>, Child] {
    const [sender, receiver] = open<unknown>({ coalesce: false })
    const peer = startPeer('receives', ['from_packets'], [receiver.fd])
    receiver.close()
    return [sender, peer]
  }

  it('gets one message a packet', async () => {
    const [sender, peer] = startReceiving()
    for (const number of range(100)) void sender.send({ number })
    sender.close()
    expect(await reports(peer)).to.deep.equal(range(100).map((number) => reportOf({ number })))
  })

  it('gets the descriptors of a message', async () => {
    const [sender, peer] = startReceiving()
    const files = [openText('the first file'), openText('the second file')]
    await sender.sendWithFds('two files', files)
    for (const fd of files) closeSync(fd)
    await sender.send('none')
    sender.close()
    expect(await reports(peer)).to.deep.equal([
      reportOf('two files', 'the first file', 'the second file'),
      reportOf('none'),
    ])
  })

  it('gets a message too long for a packet from a stream of its own, behind its descriptors', async () => {
    const [sender, peer] = startReceiving()
    const file = openText('a file beside it')
    await sender.sendWithFds(LARGE, [file])
    closeSync(file)
    await sender.send('behind it')
    sender.close()
    const sha256 = createHash('sha256').update(LARGE).digest('hex')
    // Python counts code points: four to each repetition.
    expect(await reports(peer)).to.deep.equal([
      reportOf({ length: 4 * 500_000, sha256 }, 'a file beside it'),
      reportOf('behind it'),
    ])
  })

  it('gets messages from a byte stream', async () => {
    const [sending, receiving] = rawPair(socket.SOCK_STREAM)
    const peer = startPeer('receives', ['from_stream'], [receiving])
    closeSync(receiving)
    const sender = Sender.fromFd<unknown>(sending)
    for (const number of range(100)) void sender.send(number)
    await sender.send(LARGE)
    sender.close()
    const all = await reports(peer)
    expect(all.slice(0, 100)).to.deep.equal(range(100).map((number) => reportOf(number)))
    expect(all[100]).to.have.nested.property('message.length', 4 * 500_000)
  })
})

describe('a peer in another language that sends', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  function startSending(what: string): [Receiver, Child] {
    const [sender, receiver] = open<unknown>()
    const peer = startPeer('sends', [what], [sender.fd])
    sender.close()
    return [receiver, peer]
  }

  for (const [what, expected] of [
    ['one_a_packet', range(100)],
    ['several_a_packet', [...range(10).map((number) => ({ number })), 'last']],
    ['empty_packets_between', [0, 1, 2]],
  ] as const) {
    it(`is understood: ${what.replaceAll('_', ' ')}`, async () => {
      const [receiver, peer] = startSending(what)
      expect(await collect(receiver)).to.deep.equal(expected)
      expect(await reports(peer)).to.deep.equal([])
    })
  }

  it('is understood behind packets that are malformed, each of which fails alone', async () => {
    const [receiver, peer] = startSending('malformed_between')
    expect(await receiver.recv()).to.equal('first')
    for (let bad = 0; bad < 4; bad++) await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_MALFORMED')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TOO_LARGE')
    expect(await receiver.recv()).to.equal('last')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    expect(await reports(peer)).to.deep.equal([])
  })

  it('can pass descriptors', async () => {
    const [receiver, peer] = startSending('descriptors')
    const [message, fds] = await receiver.recvWithFds()
    expect([message, ...fds.map(textOf)]).to.deep.equal(['two files', 'the first file', 'the second file'])
    expect(await receiver.recvWithFds()).to.deep.equal(['none', []])
    for (const fd of fds) fd.close()
    expect(await reports(peer)).to.deep.equal([])
  })

  it('can send a message too long for a packet', async () => {
    const [receiver, peer] = startSending('large')
    expect((await receiver.recv()) === LARGE).to.equal(true)
    expect(await receiver.recv()).to.equal('behind it')
    expect(await reports(peer)).to.deep.equal([])
  })

  it('can pass descriptors beside a message too long for a packet', async () => {
    const [receiver, peer] = startSending('large_with_descriptors')
    const [message, fds] = await receiver.recvWithFds()
    expect(message === LARGE).to.equal(true)
    expect(fds.map(textOf)).to.deep.equal(['a file beside it'])
    for (const fd of fds) fd.close()
    expect(await reports(peer)).to.deep.equal([])
  })

  it('can send over a byte stream, cut anywhere', async () => {
    const [sending, receiving] = rawPair(socket.SOCK_STREAM)
    const peer = startPeer('sends', ['cut_anywhere'], [sending])
    closeSync(sending)
    const receiver = keep(Receiver.fromFd<unknown>(receiving))
    const messages = await collect(receiver)
    expect(messages.slice(0, 40)).to.deep.equal(range(40).map((number) => ({ number, text: 'é'.repeat(number) })))
    expect(messages[40] === LARGE).to.equal(true)
    expect(messages.slice(41)).to.deep.equal(['last'])
    expect(await reports(peer)).to.deep.equal([])
  })
})
