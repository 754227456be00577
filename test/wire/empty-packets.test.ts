import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { OwnedFd, type Receiver, select } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { start } from '../helpers/child.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { range, turn } from '../helpers/fill.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { frame } from '../helpers/reference-framer.js'

const EMPTY = new Uint8Array(0)
/** More than one attempt at reading passes over. */
const MANY = 200

// An empty packet and the end of a channel both read as 0 bytes (recvmsg(2)).
describe('an empty packet', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  let peer = -1
  let receiver: Receiver<unknown>
  beforeEach(() => {
    const [near, far] = rawPair(socket.SOCK_SEQPACKET)
    peer = near
    receiver = keep(new OwnedFd(far).receiver())
  })
  /** The last sender goes. */
  const hangUp = () => closeSync(peer)

  const ways: [string, () => unknown][] = [
    ['recv', () => receiver.recv()],
    ['recvWithFds', async () => (await receiver.recvWithFds())[0]],
    ['tryRecv', () => receiver.tryRecv()],
    ['recvSync', () => receiver.recvSync({ timeout: 1000 })],
    ['iteration', async () => (await receiver[Symbol.asyncIterator]().next()).value],
    ['batches', async () => (await receiver.batches().next()).value?.[0]],
    ['select', async () => (await select({ it: receiver }))[1]],
  ]
  for (const [name, receive] of ways) {
    it(`does not end the channel for ${name}: the message behind it arrives`, async () => {
      rawSend(peer, EMPTY)
      rawSend(peer, frame('"behind"'))
      rawSend(peer, EMPTY)
      expect(await receive()).to.equal('behind')
      expect(receiver.tryRecv()).to.equal(undefined)
      hangUp()
      await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    })
  }

  it('is passed over by a recv that waits', async () => {
    const waiting = receiver.recv()
    for (const message of ['"awaited"', '"next"']) {
      rawSend(peer, EMPTY)
      await turn()
      rawSend(peer, frame(message))
    }
    expect([await waiting, await receiver.recv()]).to.deep.equal(['awaited', 'next'])
    hangUp()
  })

  it('is passed over however many come in a row', async () => {
    for (const _ of range(MANY)) rawSend(peer, EMPTY)
    rawSend(peer, frame('"behind"'))
    const waiting = receiver.recv()
    expect(await waiting).to.equal('behind')
    for (const _ of range(MANY)) rawSend(peer, EMPTY)
    rawSend(peer, frame('"blocking"'))
    expect(receiver.recvSync({ timeout: 1000 })).to.equal('blocking')
    hangUp()
  })

  it('does not count as a message for a timeout', () => {
    rawSend(peer, EMPTY)
    throwsCode(() => receiver.recvSync({ timeout: 0 }), 'ERR_WORMHOLE_TIMEOUT')
    hangUp()
  })

  it('does not keep the end from coming, nor what is behind it', async () => {
    rawSend(peer, EMPTY)
    rawSend(peer, frame('1'))
    rawSend(peer, EMPTY)
    rawSend(peer, EMPTY)
    rawSend(peer, frame('2'))
    rawSend(peer, EMPTY)
    hangUp()
    expect(await collect(receiver)).to.deep.equal([1, 2])
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('does not keep the end from coming when nothing else was sent', async () => {
    for (const _ of range(MANY)) rawSend(peer, EMPTY)
    hangUp()
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    throwsCode(() => receiver.recvSync({ timeout: 1000 }), 'ERR_WORMHOLE_DISCONNECTED')
  })

  it('has its descriptors closed', async () => {
    const before = openDescriptors()
    rawSend(peer, EMPTY, [0, 1, 2])
    rawSend(peer, frame('"behind"'))
    expect(await receiver.recvWithFds()).to.deep.equal(['behind', []])
    expect(openDescriptors()).to.equal(before)
    hangUp()
  })

  it('does not end the channel when another process sends it', async () => {
    const program = `
import socket
peer = socket.socket(fileno=3)
for packet in b'', b'', b'\\x06' + bytes(7) + b'"from"', b'', b'\\x08' + bytes(7) + b'"python"', b'':
    peer.send(packet)
`
    const child = start('python3', ['-c', program], [peer])
    hangUp()
    expect(await collect(receiver)).to.deep.equal(['from', 'python'])
    expect(await child.ended).to.include({ code: 0, stderr: '' })
  })
})
