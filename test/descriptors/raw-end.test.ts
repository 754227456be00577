import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import { recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'
import * as socket from '#lib/os/syscalls'
import { start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { turns } from '../helpers/fill.js'
import { sized, tried } from '../helpers/long.js'
import { rawPair, rawSend } from '../helpers/raw.js'
import { frame } from '../helpers/reference-framer.js'
import { usesChildren } from '../helpers/uses-children.js'

const EMPTY = new Uint8Array(0)

/** Shuts down the sending side of descriptor 3, for all who hold it. */
const SHUT = `
import socket
socket.socket(fileno=3).shutdown(socket.SHUT_WR)
`

/** Sends an empty packet on each socket that arrives on descriptor 3, and closes it at once. */
const SEND_AND_CLOSE = `
import socket
control = socket.socket(fileno=3)
while True:
    data, fds, flags, address = socket.recv_fds(control, 1, 1)
    if not fds: break
    peer = socket.socket(fileno=fds[0])
    peer.send(b'')
    peer.close()
`

describe('the end of a raw socket', () => {
  usesChildren()
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const pair = (type: 'seqpacket' | 'stream' | 'dgram') => socketpair(type).map(keep) as [OwnedFd, OwnedFd]

  it('is never taken for an empty packet, nor that for the end, while the peer closes', async () => {
    const [control, far] = pair('seqpacket')
    const child = start('python3', ['-c', SEND_AND_CLOSE], [far.fd])
    far.close()
    const rounds = sized(2000, 50_000)
    for (let round = 0; round < rounds; round++) {
      const [ours, theirs] = pair('seqpacket')
      await sendmsg(control, Buffer.from('x'), [theirs])
      const told = [await recvmsg(ours, Buffer.alloc(1)), await recvmsg(ours, Buffer.alloc(1))]
      expect(
        told.map(({ end }) => end),
        `round ${round}`
      ).to.deep.equal([false, true])
      ours.close()
    }
    control.close()
    expect(await child.ended).to.include({ code: 0, stderr: '' })
    tried(rounds, 'empty packets of a peer that closes at once')
  })

  it('comes after empty packets for a socket whose holder has SO_PASSCRED set, which stays', async () => {
    const [ours, theirs] = pair('seqpacket')
    const { setsockopt } = (await import('#lib/os/addon')).native
    setsockopt(ours.fd, socket.SO_PASSCRED, 1)
    for (const _ of [1, 2]) await sendmsg(theirs, EMPTY)
    theirs.close()
    const ends: boolean[] = []
    for (let count = 0; count < 4; count++) ends.push((await recvmsg(ours, Buffer.alloc(1))).end)
    expect(ends).to.deep.equal([false, false, true, true])
    expect(socket.option(ours.fd, socket.SO_PASSCRED)).to.equal(1)
  })

  it('is not told by a buffer of no length before what is queued has been read', async () => {
    for (const type of ['seqpacket', 'stream'] as const) {
      const [ours, theirs] = pair(type)
      await sendmsg(theirs, Buffer.from('text'))
      theirs.close()
      const { end, truncated } = await recvmsg(ours, EMPTY)
      expect([end, truncated], type).to.deep.equal([false, type === 'seqpacket'])
      if (type === 'stream') expect(await recvmsg(ours, Buffer.alloc(9))).to.include({ bytes: 4, end: false })
      expect(await recvmsg(ours, EMPTY), type).to.include({ bytes: 0, end: true })
    }
  })

  for (const type of ['seqpacket', 'stream'] as const) {
    it(`wakes a receive that waits, over ${type}`, async () => {
      const [ours, theirs] = pair(type)
      const waiting = recvmsg(ours, Buffer.alloc(1))
      await turns()
      theirs.close()
      expect(await waiting).to.include({ bytes: 0, end: true })
    })

    it(`is a shutdown of sending by a peer that stays, over ${type}`, async () => {
      const [ours, theirs] = pair(type)
      await sendmsg(theirs, Buffer.from('x'))
      const child = start('python3', ['-c', SHUT], [theirs.fd])
      expect(await recvmsg(ours, Buffer.alloc(1))).to.include({ bytes: 1, end: false })
      expect(await recvmsg(ours, Buffer.alloc(1))).to.include({ bytes: 0, end: true })
      expect(await sendmsg(ours, Buffer.from('y'))).to.equal(1)
      await child.ended
    })
  }

  it('is never told of datagrams, whose peer may come back', async () => {
    const [ours, theirs] = pair('dgram')
    await sendmsg(theirs, EMPTY)
    theirs.close()
    expect(await recvmsg(ours, Buffer.alloc(1))).to.include({ bytes: 0, end: false })
    const controller = new AbortController()
    const waiting = recvmsg(ours, Buffer.alloc(1), { signal: controller.signal })
    await turns()
    controller.abort(new Error('still waiting'))
    expect((await waiting.catch((error: unknown) => error)) as Error).to.have.property('message', 'still waiting')
  })

  it('of a channel comes after every message, wherever the empty packets stand', async () => {
    for (const order of ['e1', '1e', 'ee1e2', 'e1ee2e']) {
      const [peer, own] = rawPair(socket.SOCK_SEQPACKET)
      const owner = new OwnedFd(peer)
      const receiver = keep(new OwnedFd(own).receiver())
      for (const what of order) rawSend(peer, what === 'e' ? EMPTY : frame(what))
      owner.close()
      const got: unknown[] = []
      for await (const message of receiver) got.push(message)
      expect(got, order).to.deep.equal([...order].filter((what) => what !== 'e').map(Number))
    }
  })
})
