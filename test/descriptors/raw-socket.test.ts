import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { OwnedFd, peerCredentials, recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'

const types = ['seqpacket', 'stream', 'dgram'] as const

async function receiveText(fd: OwnedFd, room = 1000): Promise<string> {
  const buffer = Buffer.alloc(room)
  const { bytes } = await recvmsg(fd, buffer)
  return buffer.toString('utf8', 0, bytes)
}

describe('raw sockets', () => {
  leavesNoDescriptors()

  for (const type of types) {
    it(`carry bytes and descriptors over a ${type} pair`, async () => {
      const [a, b] = socketpair(type)
      const file = openSync('package.json', 'r')
      expect(await sendmsg(a, Buffer.from('look'), [file])).to.equal(4)
      closeSync(file)
      const buffer = Buffer.alloc(100)
      const { bytes, fds, truncated } = await recvmsg(b, buffer)
      expect([buffer.toString('utf8', 0, bytes), fds.length, truncated]).to.deep.equal(['look', 1, false])
      expect(JSON.parse(readFileSync(fds[0]!.fd, 'utf8'))).to.have.property('name', 'wormhole-ipc')
      for (const fd of [a, b, ...fds]) fd.close()
    })

    it(`serve those who wait on a ${type} pair first come, first served`, async () => {
      const [a, b] = socketpair(type)
      const waiting = ['one', 'two', 'six'].map(() => receiveText(b, 3))
      for (const text of ['one', 'two', 'six']) await sendmsg(a, Buffer.from(text))
      expect(await Promise.all(waiting)).to.deep.equal(['one', 'two', 'six'])
      a.close()
      b.close()
    })

    it(`wait in order until a full ${type} pair takes more`, async () => {
      const [a, b] = socketpair(type)
      const packet = Buffer.alloc(20_000)
      const sending = Array.from({ length: 40 }, (_, index) => {
        const numbered = Buffer.from(packet)
        numbered.writeUInt32LE(index)
        return sendmsg(a, numbered)
      })
      const received: number[] = []
      let pending = Buffer.alloc(0)
      while (received.length < 40) {
        const buffer = Buffer.alloc(20_000)
        const { bytes } = await recvmsg(b, buffer)
        pending = Buffer.concat([pending, buffer.subarray(0, bytes)])
        for (; pending.length >= 20_000; pending = pending.subarray(20_000)) received.push(pending.readUInt32LE())
      }
      expect(received).to.deep.equal(Array.from({ length: 40 }, (_, index) => index))
      expect(new Set(await Promise.all(sending))).to.deep.equal(new Set([20_000]))
      a.close()
      b.close()
    })
  }

  it('move an OwnedFd, and only once it is sent', async () => {
    const [a, b] = socketpair('seqpacket')
    const [c, d] = socketpair('stream')
    await rejectsCode(sendmsg(a, Buffer.alloc(10_000_000), [c]), 'ERR_WORMHOLE_SYSTEM')
    expect(c.fd).to.be.at.least(0)
    await sendmsg(a, Buffer.from('c'), [c])
    expect(c.fd).to.equal(-1)
    const { fds } = await recvmsg(b, Buffer.alloc(1))
    await sendmsg(fds[0]!, Buffer.from('through'))
    expect(await receiveText(d)).to.equal('through')
    for (const fd of [a, b, d, ...fds]) fd.close()
  })

  it('say that a packet did not fit', async () => {
    const [a, b] = socketpair('seqpacket')
    await sendmsg(a, Buffer.from('too long'))
    expect(await recvmsg(b, Buffer.alloc(3))).to.deep.equal({
      bytes: 3,
      fds: [],
      truncated: true,
      fdsTruncated: false,
      end: false,
    })
    a.close()
    b.close()
  })

  it('read as 0 bytes at the end of a stream, and reject where the peer is gone', async () => {
    const [a, b] = socketpair('stream')
    a.close()
    expect((await recvmsg(b, Buffer.alloc(3))).bytes).to.equal(0)
    const error = await rejectsCode(sendmsg(b, Buffer.from('x')), 'ERR_WORMHOLE_SYSTEM')
    expect(error.syscall).to.equal('sendmsg')
    b.close()
  })

  it('refuse what is no socket, no buffer, no type', async () => {
    const file = new OwnedFd(openSync('package.json', 'r'))
    expect((await rejectsCode(recvmsg(file, Buffer.alloc(1)), 'ERR_WORMHOLE_SYSTEM')).message).to.include('ENOTSOCK')
    await rejectsCode(recvmsg(-1, Buffer.alloc(1)), 'ERR_WORMHOLE_BAD_FD')
    await rejectsCode(sendmsg(file, 'text' as unknown as Buffer), 'ERR_WORMHOLE_ARGUMENT')
    throwsCode(() => socketpair('raw' as 'dgram'), 'ERR_WORMHOLE_ARGUMENT')
    throwsCode(() => peerCredentials(file), 'ERR_WORMHOLE_SYSTEM')
    file.close()
  })

  it('tell who made the other end', () => {
    const [a, b] = socketpair('stream')
    expect(peerCredentials(a)).to.deep.equal({
      pid: process.pid,
      uid: process.getuid?.(),
      gid: process.getgid?.(),
    })
    a.close()
    b.close()
  })

  it('receive a descriptor from a program that knows nothing of us (tmux, its standard input)', async function () {
    if (spawnSync('tmux', ['-V']).status !== 0) {
      console.log('      skipped: tmux is not installed')
      this.skip()
    }
    const folder = mkdtempSync(join(tmpdir(), 'wormhole-'))
    writeFileSync(join(folder, 'input'), 'what tmux reads')
    const server = createServer({ pauseOnConnect: true }).listen(join(folder, 'socket'))
    await once(server, 'listening')
    const input = openSync(join(folder, 'input'), 'r')
    // A tmux client hands its server the descriptors of its terminal (imsg, SCM_RIGHTS) before it asks anything.
    const client = spawn('tmux', ['-S', join(folder, 'socket'), 'list-sessions'], {
      stdio: [input, 'ignore', 'ignore'],
    })
    closeSync(input)
    const gone = once(client, 'exit')
    const [connection] = (await once(server, 'connection')) as [Socket & { _handle: { fd: number } }]
    expect(peerCredentials(connection._handle.fd).pid).to.equal(client.pid)
    let received: OwnedFd[] = []
    while (received.length === 0) received = (await recvmsg(connection._handle.fd, Buffer.alloc(16_384))).fds
    expect(readFileSync(received[0]!.fd, 'utf8')).to.equal('what tmux reads')
    for (const fd of received) fd.close()
    connection.destroy()
    server.close()
    client.kill()
    await gone
    rmSync(folder, { recursive: true })
  })
})
