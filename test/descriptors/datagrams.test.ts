import { closeSync } from 'node:fs'
import { basename } from 'node:path'
import { expect } from 'chai'
import { connect, listen, type OwnedFd, recvmsg, sendmsg, socketpair } from 'wormhole-ipc/socket'
import { leavesNoDescriptors, openDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { turns } from '../helpers/fill.js'
import { hasFolder } from '../helpers/folder.js'

async function textFrom(fd: OwnedFd): Promise<string> {
  const buffer = Buffer.alloc(1000)
  const { bytes, fds } = await recvmsg(fd, buffer)
  for (const fd of fds) fd.close()
  return `${buffer.toString('utf8', 0, bytes)}${fds.length}`
}

describe('datagrams', () => {
  leavesNoDescriptors()
  const { keep } = closesEnds()
  const inFolder = hasFolder()
  let names = 0
  const bound = (name = `@wormhole-datagrams-${process.pid}-${names++}`) => ({
    name,
    socket: keep(listen(name, { type: 'dgram' })),
  })

  it('go to the path or name that each is sent to, with descriptors', async () => {
    const [ours] = [bound()]
    const others = [bound(), bound(inFolder('socket'))]
    for (const [index, other] of others.entries()) {
      await sendmsg(ours.socket, Buffer.from(`for ${index}, `), [0, 1], { to: other.name })
      expect(await textFrom(other.socket)).to.equal(`for ${index}, 2`)
    }
  })

  it('go to a path that is longer than an address', async () => {
    const other = bound(inFolder('socket'))
    const to = other.name.replace(basename(other.name), `${'./'.repeat(130)}socket`)
    const before = openDescriptors()
    await sendmsg(bound().socket, Buffer.from('far '), [], { to })
    expect(await textFrom(other.socket)).to.equal('far 0')
    expect(openDescriptors()).to.equal(before + 1)
  })

  it('go to the address to which the socket is connected', async () => {
    const other = bound()
    const ours = keep(await connect(other.name, { type: 'dgram' }))
    await sendmsg(ours, Buffer.from('connected '))
    expect(await textFrom(other.socket)).to.equal('connected 0')
  })

  it('wait until the queue of their address takes more, in order, and not for another that is full', async () => {
    const [full, empty] = [bound(), bound()]
    const ours = bound().socket
    const sent: number[] = []
    const sending = Array.from({ length: 40 }, (_, index) =>
      sendmsg(ours, Buffer.from(`${index},`), [], { to: full.name }).then(() => sent.push(index))
    )
    await sendmsg(ours, Buffer.from('past it '), [], { to: empty.name })
    expect(await textFrom(empty.socket)).to.equal('past it 0')
    expect(sent.length).to.be.below(40)
    for (let index = 0; index < 40; index++) expect(await textFrom(full.socket)).to.equal(`${index},0`)
    await Promise.all(sending)
    expect(sent).to.deep.equal([...Array(40).keys()])
  })

  it('that wait end with ERR_WORMHOLE_CLOSED or the reason of a signal', async () => {
    const full = bound()
    for (const leave of [(fd: OwnedFd) => fd.close(), (fd: OwnedFd) => closeSync(fd.detach())]) {
      const ours = bound().socket
      const controller = new AbortController()
      const options = { to: full.name, signal: controller.signal }
      const aborted = Array.from({ length: 40 }, () => sendmsg(ours, Buffer.from('x'), [], options))
      await turns()
      const waiting = sendmsg(ours, Buffer.from('x'), [], { to: full.name })
      controller.abort('enough')
      const outcomes = await Promise.allSettled(aborted)
      expect(outcomes.at(-1)).to.deep.equal({ status: 'rejected', reason: 'enough' })
      await leave(ours)
      await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    }
  })

  it('have an address that can be told wrong', async () => {
    const ours = bound().socket
    const error = await rejectsCode(
      sendmsg(ours, Buffer.from('x'), [], { to: inFolder('none') }),
      'ERR_WORMHOLE_SYSTEM'
    )
    expect(error.message).to.include(`to ${inFolder('none')}: sendmsg failed with ENOENT`)
    for (const to of ['', '@', 5, null, 'a\0b']) {
      await rejectsCode(sendmsg(ours, Buffer.from('x'), [], { to: to as string }), 'ERR_WORMHOLE_ARGUMENT')
    }
    const tooLong = sendmsg(ours, Buffer.alloc(8 * 2 ** 20), [], { to: bound().name })
    expect((await rejectsCode(tooLong, 'ERR_WORMHOLE_SYSTEM')).message).to.include('EMSGSIZE')
    const [stream] = socketpair('stream').map(keep)
    await rejectsCode(sendmsg(stream as OwnedFd, Buffer.from('x'), [], { to: '@x' }), 'ERR_WORMHOLE_ARGUMENT')
  })
})
