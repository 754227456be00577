import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { connect, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import { type channel, OwnedFd } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { start, startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { isOpen, openPipe, openText, textOf } from '../helpers/files.js'
import { addressOf, connection, fdOf, listen, textFrom } from '../helpers/net.js'
import { rawPair } from '../helpers/raw.js'

describe('an OwnedFd as Node\u2019s own object', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()
  const own = (fd: number): OwnedFd => keep(new OwnedFd(fd))

  /** What arrives at the other end of a channel for one of Node's objects. */
  async function passed(source: Parameters<ReturnType<typeof channel>[0]['sendWithFds']>[1][number]): Promise<OwnedFd> {
    const [sender, receiver] = open()
    await sender.sendWithFds(null, [source])
    const [, [owned]] = await receiver.recvWithFds()
    return keep(owned as OwnedFd)
  }

  for (const kind of ['tcp', 'unix'] as const) {
    it(`is a connected ${kind} socket, for data both ways`, async () => {
      const [near, far] = await connection(kind)
      const owned = await passed(near)
      near.destroy()
      const { fd } = owned
      const taken = owned.toSocket()
      expect([owned.fd, fdOf(taken)]).to.deep.equal([-1, fd])
      far.end('towards it')
      expect(await textFrom(taken)).to.equal('towards it')
      const [other, end] = await connection(kind)
      const writing = (await passed(other)).toSocket()
      other.destroy()
      writing.end('away from it')
      expect(await textFrom(end)).to.equal('away from it')
    })

    it(`is a ${kind} server that accepts real connections`, async () => {
      const original = await listen(kind)
      const address = addressOf(original)
      const owned = await passed(original)
      original.close()
      const server: Server = await owned.toServer()
      expect([owned.fd, server.listening]).to.deep.equal([-1, true])
      const client = connect(address)
      const [accepted] = await once(server, 'connection')
      accepted.end('welcome')
      expect(await textFrom(client)).to.equal('welcome')
      server.close()
      await once(server, 'close')
    })

    it(`is a ${kind} server beside the one it was duplicated from`, async () => {
      const original = await listen(kind)
      const server = await (await passed(original)).toServer()
      const client = connect(addressOf(original))
      const greet = (accepted: Socket) => accepted.end('one of us')
      original.on('connection', greet)
      server.on('connection', greet)
      expect(await textFrom(client)).to.equal('one of us')
      original.close()
      server.close()
    })

    it(`is a ${kind} server in a cluster's worker, whose primary has other descriptors`, async () => {
      const { code, stdout, stderr } = await startNode('cluster-server', [kind]).ended
      expect(stderr).to.equal('')
      expect([code, stdout]).to.deep.equal([0, 'welcome'])
    })
  }

  it('is one end of a socket pair, for data both ways', async () => {
    const [first, second] = rawPair(socket.SOCK_STREAM).map(own) as [OwnedFd, OwnedFd]
    const [near, far] = [first.toSocket(), second.toSocket()]
    near.write('ping')
    expect(String((await once(far, 'data'))[0])).to.equal('ping')
    far.end('pong')
    expect(await textFrom(near)).to.equal('pong')
  })

  it('is a pipe that toSocket reads or writes', async () => {
    const [reading, writing] = openPipe().map(own) as [OwnedFd, OwnedFd]
    const [near, far] = [reading.toSocket(), writing.toSocket()]
    far.end('along')
    expect(await textFrom(near)).to.equal('along')
  })

  it('is a stream that reads or writes a pipe', async () => {
    const [reading, writing] = openPipe().map(own) as [OwnedFd, OwnedFd]
    writing.writeStream().end('flow')
    expect(await textFrom(reading.readStream())).to.equal('flow')
  })

  it('is a stream that reads a file and closes it', async () => {
    const fd = openText('0123')
    const owned = own(openSync(`/proc/self/fd/${fd}`, 'r'))
    const number = owned.fd
    const stream = owned.readStream()
    expect(owned.fd).to.equal(-1)
    expect(await textFrom(stream)).to.equal('0123')
    if (!stream.closed) await once(stream, 'close')
    expect(isOpen(number)).to.equal(false)
    closeSync(fd)
  })

  it('is a stream that writes a file and closes it', async () => {
    const fd = openText('')
    const owned = own(openSync(`/proc/self/fd/${fd}`, 'w'))
    const stream = owned.writeStream()
    stream.end('written')
    await once(stream, 'close')
    expect(textOf({ fd })).to.equal('written')
    closeSync(fd)
  })

  it('is a stream that reads or writes a socket', async () => {
    const [first, second] = rawPair(socket.SOCK_STREAM).map(own) as [OwnedFd, OwnedFd]
    const reading = second.readStream()
    first.writeStream().end('through a socket')
    expect(await textFrom(reading)).to.equal('through a socket')
    reading.destroy()
  })

  it('is a stream that a worker reads or writes a file with, without a warning, and leaves nothing open', async () => {
    const code = `
      import { once } from 'node:events'
      import { readdirSync } from 'node:fs'
      import { Worker } from 'node:worker_threads'
      const source = \`
        const { open } = require('node:fs/promises')
        const { parentPort, workerData } = require('node:worker_threads')
        import(\${JSON.stringify(import.meta.resolve('wormhole-ipc'))}).then(async ({ channel }) => {
          const [sender, receiver] = channel()
          const file = await open('/dev/null', 'r+')
          await sender.sendWithFds(null, Array(4).fill(file))
          await file.close()
          const [, [one, two, ...left]] = await receiver.recvWithFds()
          for await (const chunk of one.readStream()) throw new Error(chunk)
          await new Promise((resolve) => two.writeStream().end('text').once('close', resolve))
          for (const fd of left) fd.readStream()
          for (const end of [sender, receiver]) end.close()
          parentPort.postMessage('done')
          if (workerData === 'stays') setInterval(() => undefined, 1000)
        })\`
      const open = () => readdirSync('/proc/self/fd').length
      const counts = new Set()
      for (const workerData of ['ends', 'stays', 'ends', 'stays']) {
        const worker = new Worker(source, { eval: true, execArgv: [], workerData })
        const ended = once(worker, 'exit')
        await once(worker, 'message')
        if (workerData === 'stays') await worker.terminate()
        await ended
        counts.add(open())
      }
      console.log(counts.size)`
    const { stdout, stderr } = await start(process.execPath, ['--input-type=module', '-e', code]).ended
    expect([stdout, stderr]).to.deep.equal(['1\n', ''])
  })
})
