import { once } from 'node:events'
import { closeSync, openSync, readSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { OwnedFd } from 'wormhole-ipc'
import { peerCredentials, recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { CLOSE_ON_EXEC, flagsOf } from '../helpers/files.js'
import { addressOf, connection, fdOf, listen, textFrom } from '../helpers/net.js'

/** Receives a text of this length from a stream socket, of which each call may give only a part. */
async function receive(fd: OwnedFd | Socket, length: number): Promise<string> {
  const buffer = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytes, end } = await recvmsg(fd, buffer.subarray(filled))
    if (end) break
    filled += bytes
  }
  return buffer.toString('utf8', 0, filled)
}

describe('OwnedFd.from and dup', () => {
  leavesNoDescriptors()
  const { keep, open } = closesEnds()

  it('duplicate what stays with its caller: a number, an OwnedFd, what has an fd', async () => {
    const number = openSync('package.json', 'r')
    const first = keep(OwnedFd.from(number))
    const copies = [first.dup(), OwnedFd.from(first), OwnedFd.from({ fd: number })].map(keep)
    const numbers = [number, first.fd, ...copies.map(({ fd }) => fd)]
    expect(new Set(numbers).size).to.equal(5)
    for (const fd of numbers) expect(flagsOf(fd) & CLOSE_ON_EXEC).to.equal(CLOSE_ON_EXEC)
    first.close()
    closeSync(number)
    // One open file, so one position.
    const byte = Buffer.alloc(1)
    const read = copies.map(({ fd }) => byte.toString('utf8', 0, readSync(fd, byte)))
    expect(read).to.deep.equal(['{', '\n', ' '])
  })

  it('duplicate what is sent on, and keep the original', async () => {
    const [sender, receiver] = open<string>()
    const [ours, theirs] = socketpair('stream').map(keep) as [OwnedFd, OwnedFd]
    for (const name of ['a', 'b']) await sender.sendWithFds(name, [theirs.dup()])
    for (const name of ['a', 'b']) {
      const [message, fds] = await receiver.recvWithFds()
      await sendmsg(fds[0] as OwnedFd, Buffer.from(message))
      fds[0]?.close()
      expect([message, await receive(ours, 1)]).to.deep.equal([name, name])
    }
    expect(theirs.fd).to.be.at.least(0)
  })

  it('refuse what has no open descriptor, and ends, which have clone()', async () => {
    const [sender, receiver] = open()
    const closed = new OwnedFd(openSync('package.json', 'r'))
    closed.close()
    throwsCode(() => closed.dup(), 'ERR_WORMHOLE_CLOSED')
    throwsCode(() => OwnedFd.from(closed), 'ERR_WORMHOLE_CLOSED')
    for (const end of [sender, receiver]) {
      expect(throwsCode(() => OwnedFd.from(end), 'ERR_WORMHOLE_ARGUMENT').message).to.include('clone()')
    }
    const [near, far] = await connection('unix')
    for (const socket of [near, far]) socket.destroy()
    for (const none of [near, -1, 1e6, 0.5, Number.NaN, null, undefined, {}, 'text', [], { fd: '1' }]) {
      throwsCode(() => OwnedFd.from(none as number), 'ERR_WORMHOLE_BAD_FD')
    }
  })
})

for (const kind of ['unix', 'tcp'] as const) {
  describe(`Node's ${kind} sockets and servers as descriptors`, () => {
    leavesNoDescriptors()
    const { keep, open } = closesEnds()

    /** A connection that Node reads on neither side. */
    async function paused(): Promise<[Socket, Socket]> {
      const server = await listen(kind, { pauseOnConnect: true })
      const near = connect(addressOf(server)).pause()
      const [[far]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(near, 'connect')])
      server.close()
      return [near, far]
    }

    it('give every byte to the new owner if they are paused', async () => {
      const [near, far] = await paused()
      const [sender, receiver] = open()
      near.write('request')
      // What another connection brings through the event loop, Node could have read here too.
      const others = await connection(kind)
      others[0].end('over')
      expect(await textFrom(others[1])).to.equal('over')
      await sender.sendWithFds(null, [far])
      const owned = keep(OwnedFd.from(far))
      far.destroy()
      const [, [sent]] = await receiver.recvWithFds()
      expect(await receive(owned, 3)).to.equal('req')
      expect(await receive(keep(sent as OwnedFd), 4)).to.equal('uest')
      const answer = keep(OwnedFd.from(near))
      await sendmsg(owned, Buffer.from('answer'))
      expect(await receive(answer, 6)).to.equal('answer')
      near.destroy()
    })

    it('are refused as long as Node holds bytes that nobody has taken', async () => {
      const [near, far] = await connection(kind)
      const [sender, receiver] = open()
      const [a, b] = socketpair('stream').map(keep) as [OwnedFd, OwnedFd]
      near.write('12345')
      await once(far, 'readable')
      expect(far.readableLength).to.equal(5)
      const errors = [
        throwsCode(() => OwnedFd.from(far), 'ERR_WORMHOLE_PENDING'),
        await rejectsCode(sender.sendWithFds(null, [far]), 'ERR_WORMHOLE_PENDING'),
        await rejectsCode(sendmsg(a, Buffer.from('x'), [far]), 'ERR_WORMHOLE_PENDING'),
        await rejectsCode(recvmsg(far, Buffer.alloc(1)), 'ERR_WORMHOLE_PENDING'),
      ]
      for (const { message } of errors) expect(message).to.include('read 5 bytes').and.to.include('pauseOnConnect')
      expect(String(far.read())).to.equal('12345')
      await sender.sendWithFds('12345', [far])
      for (const fd of (await receiver.recvWithFds())[1]) fd.close()
      b.close()
      for (const socket of [near, far]) socket.destroy()
    })

    it('are read by recvmsg alone from its first call on, by Node again through toSocket', async () => {
      const [near, far] = await connection(kind)
      far.on('data', (chunk) => expect.fail(`Node has read ${chunk}`))
      const first = receive(far, 3)
      near.write('one')
      expect(await first).to.equal('one')
      near.write('two')
      expect(await receive(far, 3)).to.equal('two')
      const again = OwnedFd.from(far).toSocket()
      far.destroy()
      near.end('three')
      expect(await textFrom(again)).to.equal('three')
      near.destroy()
    })

    it('are written by sendmsg, unless Node has still to write', async () => {
      const [near, far] = await paused()
      expect(await sendmsg(near, Buffer.from('raw'))).to.equal(3)
      expect(await receive(far, 3)).to.equal('raw')
      const much = Buffer.alloc(8 * 1024 * 1024)
      const written = new Promise((resolve) => near.write(much, resolve))
      const { message } = await rejectsCode(sendmsg(near, Buffer.from('x')), 'ERR_WORMHOLE_PENDING')
      expect(message).to.include(`write ${much.length} bytes`)
      far.resume()
      await written
      expect(await sendmsg(near, Buffer.from('x'))).to.equal(1)
      for (const socket of [near, far]) socket.destroy()
    })

    it('are servers that accept through a duplicate, once Node has closed its own', async () => {
      const server = await listen(kind)
      const address = addressOf(server)
      throwsCode(() => peerCredentials(server), 'ERR_WORMHOLE_BAD_FD')
      const owned = OwnedFd.from(server)
      expect(owned.fd).to.not.equal(fdOf(server))
      server.close()
      await once(server, 'close')
      const again = await owned.toServer()
      const client = connect(address)
      const [[accepted]] = await Promise.all([once(again, 'connection') as Promise<[Socket]>, once(client, 'connect')])
      accepted.end('accepted')
      expect(await textFrom(client)).to.equal('accepted')
      again.close()
    })

    it('are servers with pauseOnConnect, whose connections lose no byte', async () => {
      const node = await listen(kind)
      const address = addressOf(node)
      const server = await OwnedFd.from(node).toServer({ pauseOnConnect: true })
      node.close()
      await once(node, 'close')
      const client = connect(address)
      const [[accepted]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(client, 'connect')])
      server.close()
      client.write('kept')
      const owned = keep(OwnedFd.from(accepted))
      expect(await receive(owned, 4)).to.equal('kept')
      expect(accepted.bytesRead).to.equal(0)
      for (const socket of [client, accepted]) socket.destroy()
    })

    for (const allowHalfOpen of [true, false]) {
      it(`are servers with allowHalfOpen: ${allowHalfOpen}`, async () => {
        const node = await listen(kind)
        const address = addressOf(node)
        const server = await OwnedFd.from(node).toServer({ allowHalfOpen })
        node.close()
        const client = connect({ ...address, allowHalfOpen: true })
        const [[accepted]] = await Promise.all([
          once(server, 'connection') as Promise<[Socket]>,
          once(client, 'connect'),
        ])
        server.close()
        client.end('question')
        expect(await textFrom(accepted.setEncoding('utf8').iterator({ destroyOnReturn: false }))).to.equal('question')
        expect(accepted.writable).to.equal(allowHalfOpen)
        if (allowHalfOpen) accepted.end('answer')
        expect(await textFrom(client)).to.equal(allowHalfOpen ? 'answer' : '')
      })
    }
  })
}
