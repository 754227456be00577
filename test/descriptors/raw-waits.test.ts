import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { channel, OwnedFd, Receiver } from 'wormhole-ipc'
import { spawn } from 'wormhole-ipc/process'
import { recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'
import * as socket from '#lib/os/syscalls'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { turn, turns } from '../helpers/fill.js'
import { sized } from '../helpers/long.js'
import { rawPair } from '../helpers/raw.js'
import { until } from '../helpers/until.js'

const types = ['seqpacket', 'stream', 'dgram'] as const

describe('a raw wait', () => {
  leavesNoDescriptors()
  const { keep, open } = closesEnds()

  const pair = (type: (typeof types)[number] = 'seqpacket') => socketpair(type).map(keep) as [OwnedFd, OwnedFd]
  /** Sends that wait, as the socket is full. */
  async function fullWaits(fd: OwnedFd): Promise<Promise<number>[]> {
    const waiting = new Set<Promise<number>>()
    for (let count = 0; count < 20; count++) {
      const sending = sendmsg(fd, Buffer.alloc(50_000))
      waiting.add(sending)
      sending.then(
        () => waiting.delete(sending),
        () => undefined
      )
    }
    await turns()
    expect(waiting.size).to.be.above(0)
    return [...waiting]
  }

  const ways: Record<string, (fd: OwnedFd) => unknown> = {
    'close()': (fd) => fd.close(),
    'detach()': (fd) => closeSync(fd.detach()),
    'receiver()': (fd) => keep(fd.receiver()),
    'sender()': (fd) => keep(fd.sender()),
    'a move with a message': async (fd) => {
      const [sender, receiver] = open()
      await sender.sendWithFds(null, [fd])
      for (const moved of (await receiver.recvWithFds())[1]) keep(moved)
    },
    'a move with raw bytes': async (fd) => {
      const [ours, theirs] = pair()
      await sendmsg(ours, Buffer.from('x'), [fd])
      for (const moved of (await recvmsg(theirs, Buffer.alloc(1))).fds) keep(moved)
    },
    'fs.close() behind the library': (fd) => closeSync(fd.fd),
  }

  for (const [what, leave] of Object.entries(ways)) {
    it(`to receive ends with ERR_WORMHOLE_CLOSED at ${what}, and takes no message any more`, async () => {
      const [ours, theirs] = pair()
      const waiting = [recvmsg(ours, Buffer.alloc(9)), recvmsg(ours.fd, Buffer.alloc(9))]
      await turns()
      await leave(ours)
      for (const wait of waiting) await rejectsCode(wait, 'ERR_WORMHOLE_CLOSED')
      theirs.close()
    })

    it(`to send ends with ERR_WORMHOLE_CLOSED at ${what}`, async () => {
      const [ours, theirs] = pair()
      const waiting = await fullWaits(ours)
      await leave(ours)
      for (const wait of waiting) await rejectsCode(wait, 'ERR_WORMHOLE_CLOSED')
      theirs.close()
    })
  }

  it('leaves the next message to the new owner of its socket', async () => {
    const [ours, theirs] = pair()
    const waiting = recvmsg(ours, Buffer.alloc(9))
    await turns()
    const receiver = keep(ours.receiver<string>())
    const sender = keep(theirs.sender<string>())
    await sender.send('for the receiver')
    expect(await receiver.recv()).to.equal('for the receiver')
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
  })

  it('of a number ends when this library adopts that', async () => {
    for (const adopt of [(fd: number) => keep(new OwnedFd(fd)), (fd: number) => keep(Receiver.fromFd(fd))]) {
      const [number, other] = rawPair(socket.SOCK_SEQPACKET)
      const waiting = recvmsg(number, Buffer.alloc(1))
      await turns()
      adopt(number)
      await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
      closeSync(other)
    }
  })

  it('of a number ends when a move to a child closes that', async () => {
    const [sender, receiver] = channel<number>()
    const waiting = recvmsg(receiver, Buffer.alloc(1))
    await turns()
    const child = spawn('true', [], { stdio: 'ignore', channels: { receiver } })
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    await once(child, 'close')
    sender.close()
  })

  it('takes nothing of another file that has got its number', async () => {
    const [number, other] = rawPair(socket.SOCK_SEQPACKET)
    const waiting = recvmsg(number, Buffer.alloc(1))
    await turns()
    closeSync(number)
    const file = openSync('package.json', 'r')
    expect(file).to.equal(number)
    writeSync(other, 'x')
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    closeSync(file)
    closeSync(other)
  })

  it('on one number of a socket goes on while another number of it is closed', async () => {
    const [ours, theirs] = pair()
    const copy = socket.duplicate(ours.fd)
    const buffer = Buffer.alloc(9)
    const [first, second] = [recvmsg(ours, Buffer.alloc(9)), recvmsg(copy, buffer)]
    await turns()
    ours.close()
    await rejectsCode(first, 'ERR_WORMHOLE_CLOSED')
    await sendmsg(theirs, Buffer.from('second'))
    expect((await second).bytes).to.equal(6)
    socket.close(copy)
  })

  it('on a net.Socket ends when that is destroyed, and the peer sees the end', async () => {
    const server = createServer({ pauseOnConnect: true }).listen(`\0wormhole-raw-${process.pid}`)
    await once(server, 'listening')
    const client = connect({ path: `\0wormhole-raw-${process.pid}` })
    const [accepted] = (await once(server, 'connection')) as [Socket]
    const waiting = recvmsg(accepted, Buffer.alloc(9))
    await turns()
    accepted.destroy()
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    client.resume()
    await once(client, 'close')
    server.close()
  })

  for (const type of types) {
    it(`over ${type} ends with the reason of its signal, and loses nothing`, async () => {
      const [ours, theirs] = pair(type)
      const reason = { mine: true }
      for (const signal of [AbortSignal.abort(reason), undefined]) {
        const controller = new AbortController()
        const waiting = recvmsg(ours, Buffer.alloc(9), { signal: signal ?? controller.signal })
        await turns()
        controller.abort(reason)
        expect(await waiting.catch((error) => error)).to.equal(reason)
      }
      await sendmsg(theirs, Buffer.from('kept'))
      const buffer = Buffer.alloc(9)
      expect((await recvmsg(ours, buffer)).bytes).to.equal(4)
    })
  }

  it('gives a message that is there by then, whatever has aborted', async () => {
    const [ours, theirs] = pair()
    const controller = new AbortController()
    const waiting = recvmsg(ours, Buffer.alloc(9), { signal: controller.signal })
    await turns()
    writeSync(theirs.fd, 'there')
    controller.abort()
    expect((await waiting).bytes).to.equal(5)
  })

  it('that was given up leaves nothing behind, of very many', async () => {
    const [ours, theirs] = pair()
    const before = openDescriptors()
    const count = sized(10_000, 100_000)
    const controller = new AbortController()
    let rejections = 0
    const waits = Array.from({ length: count }, () =>
      recvmsg(ours, Buffer.alloc(1), { signal: controller.signal }).catch(() => rejections++)
    )
    await turns()
    expect(openDescriptors()).to.equal(before + 1)
    controller.abort()
    await Promise.all(waits)
    expect(rejections).to.equal(count)
    expect(openDescriptors()).to.equal(before)
    theirs.close()
  })

  it('is one of 12,000 that are not all served in one turn of the event loop', async () => {
    const [ours, theirs] = pair('stream')
    let served = 0
    const waits = Array.from({ length: 12_000 }, () => recvmsg(ours, Buffer.alloc(1)).then(() => served++))
    await turns()
    writeSync(theirs.fd, Buffer.alloc(12_000))
    let max = 0
    let before = 0
    while (served < 12_000) {
      await turn()
      max = Math.max(max, served - before)
      before = served
    }
    await Promise.all(waits)
    expect(max).to.be.below(12_000)
  })

  it('to send goes on soon after a little of a full socket was read', async () => {
    const [ours, theirs] = pair()
    let sent = 0
    const packet = Buffer.alloc(2000)
    const sending = Array.from({ length: 200 }, () => sendmsg(ours, packet).then(() => sent++))
    await turns()
    const before = sent
    expect(before).to.be.below(200)
    for (let count = 0; count < 3; count++) await recvmsg(theirs, Buffer.alloc(2000))
    await until('there is room for three, and they are sent', () => sent >= before + 1)
    theirs.close()
    await Promise.allSettled(sending)
  })
})

describe('a raw receive', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const pair = (type: (typeof types)[number]) => socketpair(type).map(keep) as [OwnedFd, OwnedFd]
  const NOTHING = { fds: [], truncated: false, fdsTruncated: false }

  it('tells an empty packet from the end, also once the peer is gone', async () => {
    const [ours, theirs] = pair('seqpacket')
    const waiting = recvmsg(ours, Buffer.alloc(9))
    await sendmsg(theirs, new Uint8Array(0))
    expect(await waiting).to.deep.equal({ ...NOTHING, bytes: 0, end: false })
    for (const text of ['', 'text', '', '']) await sendmsg(theirs, Buffer.from(text))
    theirs.close()
    for (const bytes of [0, 4, 0, 0]) {
      expect(await recvmsg(ours, Buffer.alloc(9))).to.deep.equal({ ...NOTHING, bytes, end: false })
    }
    for (let again = 0; again < 3; again++) {
      expect(await recvmsg(ours, Buffer.alloc(9))).to.deep.equal({ ...NOTHING, bytes: 0, end: true })
    }
    expect(socket.option(ours.fd, socket.SO_PASSCRED)).to.equal(0)
  })

  it('tells the end of a byte stream, after what was sent before', async () => {
    const [ours, theirs] = pair('stream')
    await sendmsg(theirs, Buffer.from('text'))
    theirs.close()
    expect(await recvmsg(ours, new Uint8Array(0))).to.include({ bytes: 0, end: false })
    expect(await recvmsg(ours, Buffer.alloc(9))).to.include({ bytes: 4, end: false })
    expect(await recvmsg(ours, Buffer.alloc(9))).to.include({ bytes: 0, end: true })
  })

  it('knows no end of datagrams', async () => {
    const [ours, theirs] = pair('dgram')
    await sendmsg(theirs, new Uint8Array(0))
    expect(await recvmsg(ours, Buffer.alloc(9))).to.deep.equal({ ...NOTHING, bytes: 0, end: false })
  })

  it('tells lost bytes from descriptors, which come all the same', async () => {
    const [ours, theirs] = pair('seqpacket')
    await sendmsg(theirs, Buffer.from('too long'), [process.stderr.fd])
    const { fds, ...rest } = await recvmsg(ours, Buffer.alloc(3))
    expect(rest).to.deep.equal({ bytes: 3, truncated: true, fdsTruncated: false, end: false })
    expect(fds).to.have.length(1)
    for (const fd of fds) fd.close()
  })

  it('gives the descriptors of an empty packet', async () => {
    for (const type of ['seqpacket', 'dgram'] as const) {
      const [ours, theirs] = pair(type)
      await sendmsg(theirs, new Uint8Array(0), [process.stderr.fd])
      const { bytes, fds, end } = await recvmsg(ours, Buffer.alloc(3))
      expect([bytes, fds.length, end]).to.deep.equal([0, 1, false])
      for (const fd of fds) fd.close()
    }
  })

  it('of descriptors without a byte is refused over a byte stream before anything is sent', async () => {
    const [ours, theirs] = pair('stream')
    const file = keep(new OwnedFd(openSync('package.json', 'r')))
    await rejectsCode(sendmsg(ours, new Uint8Array(0), [file]), 'ERR_WORMHOLE_ARGUMENT')
    expect(file.fd).to.be.at.least(0)
    await sendmsg(ours, Buffer.from('x'), [file])
    const { fds } = await recvmsg(theirs, Buffer.alloc(1))
    expect([file.fd, fds.length]).to.deep.equal([-1, 1])
    for (const fd of fds) fd.close()
  })
})
