import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { CLOSE_ON_EXEC, flagsOf, openText, textOf, withFiles } from '../helpers/files.js'
import { range, turn } from '../helpers/fill.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { frame } from '../helpers/reference-framer.js'

/** Longer than one packet, and longer than a side stream's buffer takes at once. */
const LONG = 'long '.repeat(1_000_000)
/** Longer than one packet; the buffer of a side stream takes it whole. */
const PREPARED = 'x'.repeat(250_000)

/** The header of a message of 100 bytes, which follow elsewhere. */
const header = frame('', 100n)

describe('descriptors with a message too long for one packet', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  for (const count of [0, 1, 252]) {
    it(`carries ${count} of them`, async () => {
      const [sender, receiver] = open<string>()
      const received = receiver.recvWithFds()
      await withFiles(count, (fds) => sender.sendWithFds(LONG, fds))
      const [message, fds] = await received
      expect(message === LONG).to.equal(true)
      expect(fds.map(keep).map(textOf)).to.deep.equal(range(count).map((index) => `file ${index}`))
      expect([sender.stats().fds, receiver.stats().fds]).to.deep.equal([count, count])
    })
  }

  it('refuses 253, as one place is needed for the rest of the message, and moves none', async () => {
    const [sender, receiver] = open<string>()
    const owned = keep(new OwnedFd(openText('kept')))
    const before = openDescriptors()
    const fds = [...Array<number>(252).fill(owned.fd), owned]
    await rejectsCode(sender.sendWithFds(LONG, fds), 'ERR_WORMHOLE_TOO_MANY_FDS')
    expect(openDescriptors()).to.equal(before)
    expect([textOf(owned), receiver.tryRecv()]).to.deep.equal(['kept', undefined])
  })

  it('moves an OwnedFd and makes what arrives close-on-exec', async () => {
    const [sender, receiver] = open<string>()
    const owned = new OwnedFd(openText('moved'))
    const received = receiver.recvWithFds()
    await sender.sendWithFds(LONG, [owned])
    expect(owned.fd).to.equal(-1)
    const [, [arrived]] = await received
    expect(textOf(keep(arrived as OwnedFd))).to.equal('moved')
    expect(flagsOf(arrived?.fd as number) & CLOSE_ON_EXEC).to.equal(CLOSE_ON_EXEC)
  })

  it('keeps them apart from those of the messages around it', async () => {
    const [sender, receiver] = open<string>()
    const sent = withFiles(3, ([first, second, third]) =>
      Promise.all([
        sender.sendWithFds('before', [first as number]),
        sender.sendWithFds(LONG, [second as number]),
        sender.sendWithFds('after', [third as number]),
      ])
    )
    for (const [index, text] of ['before', LONG, 'after'].entries()) {
      const [message, fds] = await receiver.recvWithFds()
      expect(message === text, `message ${index}`).to.equal(true)
      expect(fds.map(keep).map(textOf)).to.deep.equal([`file ${index}`])
    }
    await sent
  })

  it('carries them with the blocking twins', async () => {
    const [sender, receiver] = open<string>()
    await withFiles(2, (fds) => sender.sendWithFdsSync(PREPARED, fds))
    const [message, fds] = receiver.recvWithFdsSync({ timeout: 1000 })
    expect(message === PREPARED).to.equal(true)
    expect(fds.map(keep).map(textOf)).to.deep.equal(['file 0', 'file 1'])
  })

  it('closes them when nobody takes them', async () => {
    const [sender, receiver] = open<string>()
    await withFiles(2, (fds) => sender.sendWithFds(PREPARED, fds))
    const before = openDescriptors()
    expect((await receiver.recv()) === PREPARED).to.equal(true)
    expect(openDescriptors()).to.equal(before)
  })

  it('closes them with a receiver that has only a part of the message', async () => {
    const [sender, receiver] = open<string>()
    const sent = withFiles(2, (fds) => sender.sendWithFds(LONG, fds))
    await turn()
    expect(receiver.tryRecv()).to.equal(undefined)
    receiver.close()
    await rejectsCode(sent, 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('moves what went with the header, though the rest of the message could not be sent', async () => {
    const [sender, receiver] = open<string>()
    const owned = new OwnedFd(openText('gone'))
    const sent = sender.sendWithFds(LONG, [owned])
    await turn()
    expect(owned.fd).to.equal(-1)
    receiver.close()
    await rejectsCode(sent, 'ERR_WORMHOLE_DISCONNECTED')
    expect(owned.fd).to.equal(-1)
  })

  for (const [what, payload, code] of [
    ['breaks off', '"half', 'ERR_WORMHOLE_TRUNCATED'],
    ['is not JSON', 'x'.repeat(100), 'ERR_WORMHOLE_MALFORMED'],
  ] as const) {
    it(`closes them when the message ${what}, and the next one arrives`, async () => {
      const [peer, own] = rawPair(socket.SOCK_SEQPACKET)
      const receiver = keep(new OwnedFd(own).receiver())
      const [writing, reading] = rawPair(socket.SOCK_STREAM)
      const file = openText('lost')
      const before = openDescriptors()
      rawSend(writing, Buffer.from(payload))
      rawSend(peer, header, [file, reading])
      rawSend(peer, frame('7'))
      closeSync(reading)
      closeSync(writing)
      await rejectsCode(receiver.recvWithFds(), code)
      expect(openDescriptors()).to.equal(before - 2)
      expect(await receiver.recvWithFds()).to.deep.equal([7, []])
      closeSync(file)
      closeSync(peer)
    })
  }

  it('closes them when the last of them is no byte stream to read the message from', async () => {
    const [peer, own] = rawPair(socket.SOCK_SEQPACKET)
    const receiver = keep(new OwnedFd(own).receiver())
    const file = openText('no stream')
    const before = openDescriptors()
    for (const fds of [[], [file], [peer], [file, file]]) {
      rawSend(peer, header, fds)
      await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_MALFORMED')
    }
    expect(openDescriptors()).to.equal(before)
    closeSync(file)
    closeSync(peer)
  })

  it('closes them when the message is too large', async () => {
    const [peer, own] = rawPair(socket.SOCK_SEQPACKET)
    const receiver = keep(new OwnedFd(own).receiver({ maxMessageBytes: 99 }))
    const [writing, reading] = rawPair(socket.SOCK_STREAM)
    const before = openDescriptors()
    rawSend(peer, header, [peer, reading])
    await rejectsCode(receiver.recvWithFds(), 'ERR_WORMHOLE_TOO_LARGE')
    expect(openDescriptors()).to.equal(before)
    for (const fd of [peer, reading, writing]) closeSync(fd)
  })
})
