import { closeSync, openSync } from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { expect } from 'chai'
import { type OwnedFd, select } from 'wormhole-ipc'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { CLOSE_ON_EXEC, flagsOf, isOpen, openPipe, openText, textOf, withFiles } from '../helpers/files.js'
import { range } from '../helpers/fill.js'
import { connection, listen, textFrom } from '../helpers/net.js'

describe('descriptors with messages', () => {
  leavesNoDescriptors()
  const { open, keep } = closesEnds()

  it('sends a message with no descriptors', async () => {
    const [sender, receiver] = open()
    await sender.sendWithFds({ none: true }, [])
    expect(await receiver.recvWithFds()).to.deep.equal([{ none: true }, []])
  })

  it('brings no descriptors with a message that was sent without', async () => {
    const [sender, receiver] = open()
    await sender.send('plain')
    expect(await receiver.recvWithFds()).to.deep.equal(['plain', []])
  })

  for (const count of [1, 2, 253]) {
    it(`carries ${count} open files, in order, whose contents can be read at the other side`, async () => {
      const [sender, receiver] = open()
      await withFiles(count, (fds) => sender.sendWithFds('files', fds))
      const [message, fds] = await receiver.recvWithFds()
      expect(message).to.equal('files')
      expect(fds.map(keep).map(textOf)).to.deep.equal(range(count).map((index) => `file ${index}`))
    })
  }

  it('carries both ends of a pipe', async () => {
    const [sender, receiver] = open()
    const pipe = openPipe()
    await sender.sendWithFds('pipe', pipe)
    for (const fd of pipe) closeSync(fd)
    const [, [reading, writing]] = (await receiver.recvWithFds()) as [unknown, [OwnedFd, OwnedFd]]
    expect([reading.kind, writing.kind]).to.deep.equal(['pipe', 'pipe'])
    writing.writeStream().end('through the pipe')
    expect(await textFrom(reading.readStream())).to.equal('through the pipe')
  })

  for (const kind of ['tcp', 'unix'] as const) {
    it(`carries Node's connected ${kind} socket, which stays the caller's`, async () => {
      const [sender, receiver] = open()
      const [near, far] = await connection(kind)
      await sender.sendWithFds('socket', [near])
      const [, [owned]] = await receiver.recvWithFds()
      const copy = owned?.toSocket()
      copy?.write('from the copy, ')
      copy?.destroy()
      near.end('from the original')
      expect(await textFrom(far)).to.equal('from the copy, from the original')
    })

    it(`carries Node's ${kind} server, which stays the caller's`, async () => {
      const [sender, receiver] = open()
      const server = await listen(kind)
      await sender.sendWithFds('server', [server])
      const [, [owned]] = await receiver.recvWithFds()
      expect(owned?.kind).to.equal('socket')
      owned?.close()
      expect(server.listening).to.equal(true)
      server.close()
    })

    it(`carries a ${kind} socket that is destroyed right after the call`, async () => {
      const [sender, receiver] = open()
      const [near, far] = await connection(kind)
      const sent = sender.sendWithFds('socket', [near])
      near.destroy()
      await sent
      const [, [owned]] = await receiver.recvWithFds()
      owned?.toSocket().end('still there')
      expect(await textFrom(far)).to.equal('still there')
    })
  }

  it('carries the descriptor of an object with an fd, and of a FileHandle, which stay the caller\u2019s', async () => {
    const [sender, receiver] = open()
    const fd = openText('by number')
    const handle = await openFile('/proc/self/fdinfo/0')
    await sender.sendWithFds('objects', [{ fd }, handle])
    const [, fds] = await receiver.recvWithFds()
    expect(fds.map((owned) => keep(owned).kind)).to.deep.equal(['file', 'file'])
    expect(textOf(fds[0] as OwnedFd)).to.equal('by number')
    expect([isOpen(fd), isOpen(handle.fd)]).to.deep.equal([true, true])
    closeSync(fd)
    await handle.close()
  })

  it('duplicates a number at the call, so that it may be closed right after', async () => {
    const [sender, receiver] = open()
    const fd = openText('closed early')
    const sent = sender.sendWithFds('number', [fd])
    closeSync(fd)
    const other = openSync('/dev/null', 'r')
    await sent
    closeSync(other)
    const [, [owned]] = await receiver.recvWithFds()
    expect(textOf(keep(owned as OwnedFd))).to.equal('closed early')
  })

  it('carries the same number twice', async () => {
    const [sender, receiver] = open()
    await withFiles(1, ([fd]) => sender.sendWithFds('twice', [fd as number, fd as number]))
    const [, fds] = await receiver.recvWithFds()
    expect(fds.map(keep).map(textOf)).to.deep.equal(['file 0', 'file 0'])
    expect(fds[0]?.fd).to.not.equal(fds[1]?.fd)
  })

  it('makes received descriptors close-on-exec', async () => {
    const [sender, receiver] = open()
    await withFiles(2, (fds) => sender.sendWithFds('files', fds))
    const [, fds] = await receiver.recvWithFds()
    for (const owned of fds) expect(flagsOf(keep(owned).fd) & CLOSE_ON_EXEC).to.equal(CLOSE_ON_EXEC)
  })

  it('keeps the order of messages with and without descriptors', async () => {
    const [sender, receiver] = open<number>()
    await withFiles(6, async (fds) => {
      const sends = fds.flatMap((fd, index) => [sender.sendWithFds(2 * index, [fd]), sender.send(2 * index + 1)])
      await Promise.all(sends)
    })
    for (const index of range(6)) {
      const [message, [owned]] = await receiver.recvWithFds()
      expect(message).to.equal(2 * index)
      expect(textOf(keep(owned as OwnedFd))).to.equal(`file ${index}`)
      expect(await receiver.recvWithFds()).to.deep.equal([2 * index + 1, []])
    }
  })

  it('carries descriptors with the blocking twins', async () => {
    const [sender, receiver] = open<string>()
    await withFiles(3, (fds) => sender.sendWithFdsSync('blocking', fds))
    sender.sendSync('plain')
    const [message, fds] = receiver.recvWithFdsSync({ timeout: 1000 })
    expect(message).to.equal('blocking')
    expect(fds.map(keep).map(textOf)).to.deep.equal(['file 0', 'file 1', 'file 2'])
    expect(receiver.recvWithFdsSync({ timeout: 1000 })).to.deep.equal(['plain', []])
  })

  it('leaves a message and its descriptors to the next taker when a receive is aborted', async () => {
    const [sender, receiver] = open()
    const abort = new AbortController()
    const aborted = receiver.recvWithFds({ signal: abort.signal }).catch((reason: unknown) => reason)
    abort.abort('no longer')
    expect(await aborted).to.equal('no longer')
    await withFiles(1, (fds) => sender.sendWithFds('kept', fds))
    const [message, fds] = await receiver.recvWithFds()
    expect([message, ...fds.map(keep).map(textOf)]).to.deep.equal(['kept', 'file 0'])
  })

  it('counts the descriptors that rode along', async () => {
    const [sender, receiver] = open()
    await withFiles(3, (fds) => sender.sendWithFds('files', fds))
    const [, fds] = await receiver.recvWithFds()
    fds.map(keep)
    expect([sender.stats().fds, receiver.stats().fds]).to.deep.equal([3, 3])
  })

  describe('of a message that is received without them', () => {
    const ways: [string, (receiver: ReturnType<typeof open>[1]) => unknown][] = [
      ['recv', (receiver) => receiver.recv()],
      ['tryRecv', (receiver) => receiver.tryRecv()],
      ['recvSync', (receiver) => receiver.recvSync()],
      ['iteration', (receiver) => receiver[Symbol.asyncIterator]().next()],
      ['batches', (receiver) => receiver.batches().next()],
      ['select', (receiver) => select({ receiver })],
    ]
    for (const [name, receive] of ways) {
      it(`are closed by ${name}`, async () => {
        const [sender, receiver] = open()
        await withFiles(3, (fds) => sender.sendWithFds('files', fds))
        const before = openDescriptors()
        await receive(receiver)
        expect(openDescriptors()).to.equal(before)
      })
    }
  })
})
