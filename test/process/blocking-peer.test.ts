import { closeSync } from 'node:fs'
import { expect } from 'chai'
import { Receiver, Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { fill, range, turn } from '../helpers/fill.js'
import { reportOf, reports, startPeer } from '../helpers/peer.js'
import { isBlocking, sleeps } from '../helpers/proc.js'
import { rawPair } from '../helpers/raw.js'
import { usesChildren } from '../helpers/uses-children.js'

describe('a peer that blocks on an end that is used here too', () => {
  usesChildren()
  leavesNoDescriptors()
  const { keep } = closesEnds()

  function pair(type: number): [Sender<unknown>, Receiver] {
    const [sending, receiving] = rawPair(type)
    return [keep(Sender.fromFd(sending, { coalesce: false })), keep(Receiver.fromFd(receiving))]
  }

  function expectBlocking(...places: [fd: number, pid?: number][]): void {
    for (const [fd, pid] of places) expect(isBlocking(fd, pid), `descriptor ${fd} of ${pid ?? 'here'}`).to.equal(true)
  }

  for (const [name, type] of [
    ['SOCK_SEQPACKET', socket.SOCK_SEQPACKET],
    ['SOCK_STREAM', socket.SOCK_STREAM],
  ] as const) {
    it(`is not disturbed by waits, closing and adopting here (${name})`, async () => {
      const [sender, receiver] = pair(type)
      const others = [sender.clone().detach(), receiver.clone().detach()] as const
      throwsCode(() => receiver.recvSync({ timeout: 1 }), 'ERR_WORMHOLE_TIMEOUT')
      void receiver.recv().catch(() => undefined)
      expectBlocking([sender.fd], [receiver.fd], [others[0]], [others[1]])
      receiver.close()
      expectBlocking([sender.fd], [others[1]])
      fill(sender, () => 'fills the channel')
      throwsCode(() => sender.sendSync('too much', { timeout: 1 }), 'ERR_WORMHOLE_TIMEOUT')
      const pending = sender.send('waits for room')
      await turn()
      expectBlocking([sender.fd], [others[0]])
      const adopted = keep(Receiver.fromFd(others[1]))
      expectBlocking([adopted.fd])
      while ((await adopted.recv()) !== 'waits for room');
      await pending
      sender.close()
      expectBlocking([others[0]], [adopted.fd])
      closeSync(others[0])
    })
  }

  it('shares received messages with those who wait here, each of which one of them gets', async () => {
    const [sender, receiver] = pair(socket.SOCK_SEQPACKET)
    const peer = startPeer('receives', ['from_packets'], [receiver.fd])
    const pid = peer.process.pid as number
    const here = collect(receiver)
    await sleeps(pid)
    expectBlocking([receiver.fd], [3, pid])
    for (const number of range(500)) {
      await sender.send(number)
      if (number % 100 === 0) await sleeps(pid)
    }
    expectBlocking([receiver.fd], [3, pid])
    sender.close()
    const there = (await reports(peer)).map(({ message }) => message as number)
    const both = [...((await here) as number[]), ...there]
    expect(both.sort((a, b) => a - b)).to.deep.equal(range(500))
  })

  it('receives alone once the waiting end here is closed', async () => {
    const [sender, receiver] = pair(socket.SOCK_SEQPACKET)
    const peer = startPeer('receives', ['from_packets'], [receiver.fd])
    const waiting = receiver.recv()
    await sleeps(peer.process.pid as number)
    receiver.close()
    await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')
    for (const number of range(3)) await sender.send(number)
    sender.close()
    expect(await reports(peer)).to.deep.equal(range(3).map((number) => reportOf(number)))
  })

  it('waits in send while sends wait here for the same full channel', async () => {
    const [sender, receiver] = pair(socket.SOCK_SEQPACKET)
    const filled = fill(sender, () => 'filler')
    const peer = startPeer('sends', ['until_full_and_on'], [sender.fd])
    const pid = peer.process.pid as number
    for (const number of range(1000)) void sender.send({ from: 'here', number })
    await sleeps(pid)
    expectBlocking([sender.fd], [3, pid])
    sender.close()
    const messages = await collect(receiver)
    expect(messages.slice(0, filled)).to.deep.equal(Array.from({ length: filled }, () => 'filler'))
    for (const from of ['here', 'peer']) {
      const numbers = (messages as { from: string; number: number }[]).filter((message) => message.from === from)
      expect(numbers.map(({ number }) => number)).to.deep.equal(range(1000))
    }
    expect(await reports(peer)).to.deep.equal([])
  })
})
