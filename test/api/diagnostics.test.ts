import { expect } from 'chai'
import { channel, type EndpointStats, Receiver, type Sender } from 'wormhole-ipc'
import { spawn } from 'wormhole-ipc/process'
import * as socket from '#lib/os/syscalls'
import { BarePeer } from '../helpers/bare-peer.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { during, type Events, eventNames, watchesEvents } from '../helpers/events.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { range, textOf, turn } from '../helpers/fill.js'
import { schemaOf, text } from '../helpers/schema.js'
import { until } from '../helpers/until.js'
import { usesChildren } from '../helpers/uses-children.js'
import { collectUntil, watchesWarnings } from '../helpers/warnings.js'

/** What the events of one end say together. */
function sums(events: Events, name: 'wormhole-ipc:send' | 'wormhole-ipc:receive', end: object) {
  const all = events.of(name).filter((event) => event.end === end)
  const sum = (key: 'messages' | 'bytes' | 'fds') => all.reduce((total, event) => total + event[key], 0)
  return { messages: sum('messages'), bytes: sum('bytes'), fds: sum('fds') }
}

function counted({ messages, bytes, fds }: EndpointStats) {
  return { messages, bytes, fds }
}

describe('events of node:diagnostics_channel', () => {
  usesChildren()
  leavesNoDescriptors()
  const { open, openStream, reopen, keep } = closesEnds()
  const events = watchesEvents()

  it('tell of each end that is made, adopted or cloned, when it can be used', async () => {
    const seen: EndpointStats[] = []
    await during(
      'wormhole-ipc:open',
      ({ end }) => seen.push(end.stats()),
      () => {
        const [sender, receiver] = open()
        const clone = keep(sender.clone())
        const adopted = keep(Receiver.fromFd(receiver.detach()))
        const made = events.of('wormhole-ipc:open')
        expect(made.map(({ end }) => end)).to.deep.equal([sender, receiver, clone, adopted])
        expect(made.map(({ fd }) => fd)).to.deep.equal([sender.fd, adopted.fd, clone.fd, adopted.fd])
      }
    )
    expect(seen.map(({ messages }) => messages)).to.deep.equal([0, 0, 0, 0])
  })

  it('tell once of an end that is closed', () => {
    const [sender, receiver] = open()
    const { fd } = sender
    sender.close()
    sender.close()
    receiver.close()
    const closes = events.of('wormhole-ipc:close')
    expect(closes[0]).to.deep.equal({ end: sender, fd, reason: 'closed' })
    expect(closes).to.have.lengthOf(2)
  })

  it('tell of a sender that closes only once its sends are through', async () => {
    const [sender, receiver] = open<string>()
    const sent = sender.send(textOf(5_000_000))
    sender.close()
    await turn()
    expect(events.of('wormhole-ipc:close')).to.deep.equal([])
    await receiver.recv()
    await sent
    expect(events.of('wormhole-ipc:close').map(({ end }) => end)).to.deep.equal([sender])
  })

  it('tell of both ends of a channel that has come to its end', async () => {
    const [sender, receiver] = open<number>()
    sender.close()
    await collect(receiver)
    const [writer, reader] = open<number>()
    reader.close()
    events.clear()
    throwsCode(() => writer.trySend(1), 'ERR_WORMHOLE_DISCONNECTED')
    expect(events.names).to.deep.equal(['wormhole-ipc:error', 'wormhole-ipc:close'])
    expect(events.of('wormhole-ipc:close')[0]).to.include({ end: writer, reason: 'ended' })
    receiver.close()
    writer.close()
    expect(events.names, 'after close()').to.have.lengthOf(2)
  })

  it('tell where an end has gone: to its caller, with a message, to a child', async () => {
    const [sender, receiver] = open()
    const [over, under] = open()
    const { fd } = sender
    await over.sendWithFds('a sender', [sender])
    expect(events.of('wormhole-ipc:move')).to.deep.equal([{ end: sender, fd, to: 'message' }])
    const [, [moved]] = await under.recvWithFds()
    moved?.close()
    const number = receiver.detach()
    expect(events.of('wormhole-ipc:move')[1]).to.deep.equal({ end: receiver, fd: number, to: 'caller' })
    const again = keep(Receiver.fromFd(number))
    const child = spawn('true', { channels: { again } })
    expect(events.of('wormhole-ipc:move')[2]).to.deep.equal({ end: again, fd: number, to: 'child' })
    await until('the child is gone', () => child.exitCode !== null)
    expect(events.of('wormhole-ipc:close')).to.deep.equal([])
  })

  it('tell of no move that has not happened, and of a close that it held up', async () => {
    const [over, under] = open()
    const [sender] = open()
    const abort = new AbortController()
    const sent = over.sendWithFds('not sent', [sender], { signal: abort.signal }).catch(() => 'aborted')
    sender.close()
    expect(events.of('wormhole-ipc:close')).to.deep.equal([])
    abort.abort()
    expect(await sent).to.equal('aborted')
    expect(events.of('wormhole-ipc:move')).to.deep.equal([])
    expect(events.of('wormhole-ipc:close').map(({ end }) => end)).to.deep.equal([sender])
    expect(under.tryRecv()).to.equal(undefined)
  })

  it('tell of each packet, at both ends as stats() counts', async () => {
    for (const [sender, receiver] of [open<string>(), openStream<string>()]) {
      const received = collect(receiver)
      await sender.sendAll(range(2000).map((index) => textOf(2 + (index % 50), 'é')))
      await sender.sendWithFds('with two', [0, 1])
      await sender.sendWithFds(textOf(1_000_000), [0])
      sender.close()
      expect(await received).to.have.lengthOf(2002)
      expect(sums(events, 'wormhole-ipc:send', sender)).to.deep.equal(counted(sender.stats()))
      expect(sums(events, 'wormhole-ipc:receive', receiver)).to.deep.equal(counted(receiver.stats()))
      const packets = events.of('wormhole-ipc:send').filter(({ end }) => end === sender)
      expect(packets.length).to.be.within(sender.stats().packets, sender.stats().packets + 1)
    }
  })

  it('are one for all messages of a packet', async () => {
    const [sender, receiver] = open<string>()
    await Promise.all(['a', 'b', 'c'].map((message) => sender.send(message)))
    await receiver.recv()
    const packet = { messages: 3, bytes: 9, fds: 0 }
    expect(events.of('wormhole-ipc:send')).to.deep.equal([{ end: sender, fd: sender.fd, ...packet }])
    expect(events.of('wormhole-ipc:receive')).to.deep.equal([{ end: receiver, fd: receiver.fd, ...packet }])
  })

  it('tell of messages that arrive broken, when they arrive', async () => {
    const peer = new BarePeer(socket.SOCK_SEQPACKET)
    keep(peer.receiver)
    peer.write(Buffer.from('no frame'))
    const error = await rejectsCode(peer.receiver.recv(), 'ERR_WORMHOLE_MALFORMED')
    peer.end()
    expect(events.of('wormhole-ipc:error')).to.deep.equal([{ end: peer.receiver, fd: peer.receiver.fd, error }])
  })

  it('tell of messages that are too long or that a schema refuses', async () => {
    const [sender, whole] = open<unknown>()
    const short = reopen(whole, { maxMessageBytes: 10 })
    await sender.sendAll([textOf(11), 1])
    const tooLarge = await rejectsCode(short.recv(), 'ERR_WORMHOLE_TOO_LARGE')
    const [writer, picky] = channel({ schema: schemaOf(text) })
    keep(writer)
    keep(picky)
    await writer.send(-1)
    const invalid = await rejectsCode(picky.recv(), 'ERR_WORMHOLE_INVALID')
    expect(events.of('wormhole-ipc:error').map(({ end, error }) => [end, error])).to.deep.equal([
      [short, tooLarge],
      [picky, invalid],
    ])
  })

  it('tell of a long message whose receiver gave up, and of nothing that an abort took back', async () => {
    const [sender, receiver] = open<string>()
    const abort = new AbortController()
    const taken = sender.send(textOf(5_000_000), { signal: abort.signal }).catch(() => 'aborted')
    await turn()
    abort.abort()
    expect(await taken).to.equal('aborted')
    expect(events.of('wormhole-ipc:error')).to.deep.equal([])
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TRUNCATED')
    expect(events.of('wormhole-ipc:error').map(({ end }) => end)).to.deep.equal([receiver])
    const sent = sender.send(textOf(5_000_000))
    await turn()
    receiver.close()
    await sent.catch(() => undefined)
    expect(events.of('wormhole-ipc:error').at(-1)?.end).to.equal(sender)
  })

  it('leave what a subscriber takes, sends or closes to it', async () => {
    const [sender, receiver] = open<number>()
    const taken: unknown[] = []
    await sender.send(1)
    let received: Promise<number> | undefined
    await during(
      'wormhole-ipc:receive',
      ({ end }) => taken.push(end.tryRecv()),
      () => {
        received = receiver.recv()
      }
    )
    await sender.send(2)
    expect([...taken, await received]).to.deep.equal([1, 2])
    await sender.send(3)
    await during(
      'wormhole-ipc:receive',
      ({ end }) => end.close(),
      () => {
        throwsCode(() => receiver.recvSync(), 'ERR_WORMHOLE_CLOSED')
      }
    )
    const [writer, reader] = open<number>()
    let once = true
    const more = (end: Sender<number>) => {
      if (once) void end.send(5)
      once = false
    }
    await during(
      'wormhole-ipc:send',
      ({ end }) => more(end as unknown as Sender<number>),
      () => writer.send(4)
    )
    writer.close()
    expect(await collect(reader)).to.deep.equal([4, 5])
  })

  it('have the names that the type says, and no subscriber of their own', async () => {
    expect(eventNames.every((name) => name.startsWith('wormhole-ipc:'))).to.equal(true)
    const [sender, receiver] = open<number>()
    await sender.send(1)
    await receiver.recv()
    expect(new Set(events.names)).to.deep.equal(
      new Set(['wormhole-ipc:open', 'wormhole-ipc:channel', 'wormhole-ipc:send', 'wormhole-ipc:receive'])
    )
  })
})

describe('the event of an end that is garbage', () => {
  leavesNoDescriptors()
  watchesWarnings()

  it('says which descriptor was closed', async () => {
    const closes: [unknown, string][] = []
    const dropped = () => channel().map(({ fd }) => fd)
    let fds: number[] = []
    await during(
      'wormhole-ipc:close',
      ({ end, fd, reason }) => closes.push([end ?? fd, reason]),
      async () => {
        fds = dropped()
        await collectUntil('both are closed', () => closes.length === 2)
      }
    )
    expect(closes.sort()).to.deep.equal(fds.sort().map((fd) => [fd, 'collected']))
  })
})
