import { expect } from 'chai'
import { natsReceiver, natsSender, type RemoteOptions, type RemoteReceiver, type RemoteSender } from 'wormhole-ipc/nats'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { freshName, usesConnections, usesServer } from '../helpers/nats.js'
import { until } from '../helpers/until.js'

/** The rows of the table of promises in docs/nats.md, each against a real server. */
describe('a remote channel', () => {
  const server = usesServer()
  const hosts = usesConnections(server)

  async function open(
    options?: RemoteOptions<unknown>
  ): Promise<[RemoteSender<unknown>, RemoteReceiver<unknown>, string]> {
    const name = freshName()
    return [await natsSender(hosts.near, name, options), await natsReceiver(hosts.far, name, options), name]
  }

  it('has a message when send resolves: it outlives the sender', async () => {
    const name = freshName()
    const passing = await server.current.connect()
    const sender = await natsSender(passing, name)
    await sender.send({ id: 1, text: 'grüße, 世界 \u2028' })
    await passing.close()
    const receiver = await natsReceiver(hosts.far, name)
    expect(await receiver.recv()).to.deep.equal({ id: 1, text: 'grüße, 世界 \u2028' })
  })

  it('takes the message as it is when send is called', async () => {
    const [sender, receiver] = await open()
    const message = { id: 1 }
    const sent = sender.send(message)
    message.id = 2
    await sent
    expect(await receiver.recv()).to.deep.equal({ id: 1 })
  })

  it('keeps the order of each sender, whatever shares a packet', async () => {
    const [sender, receiver, name] = await open()
    const other = await natsSender(hosts.far, name)
    const sent = [sender, other].map(async (end, from) => {
      for (let n = 0; n < 20; n++) void end.send({ from, n })
      await end.sendAll(Array.from({ length: 300 }, (_, n) => ({ from, n: 20 + n })))
      await end.send({ from, n: 320 })
    })
    const next = [0, 0]
    for (let count = 0; count < 2 * 321; count++) {
      const { from, n } = (await receiver.recv()) as { from: number; n: number }
      expect(n).to.equal(next[from])
      next[from] = n + 1
    }
    await Promise.all(sent)
    const { messages, packets } = receiver.stats()
    expect(messages).to.equal(642)
    expect(packets).to.be.lessThan(321)
  })

  it('sends one message a packet with coalesce: false, as plain JSON on its subject', async () => {
    const [sender, receiver, name] = await open({ coalesce: false })
    await Promise.all([sender.sendAll([1, 2, 3]), sender.send('four')])
    expect(sender.stats().packets).to.equal(4)
    const seen: (string | undefined)[] = []
    for await (const message of receiver) {
      seen.push(JSON.stringify(message))
      if (seen.length === 4) break
    }
    expect(seen.sort()).to.deep.equal(['"four"', '1', '2', '3'])
    // What any other client publishes is a message too.
    hosts.near.publish(`wh.${name}`, '{"of": "another\\nclient"}')
    await receiver.recv() // the message at which the loop was left
    expect(await receiver.recv()).to.deep.equal({ of: 'another\nclient' })
  })

  it('is bounded: send waits while the stream is full, nothing is discarded, and the loop goes on', async () => {
    const [sender, receiver] = await open({ capacity: 3, coalesce: false })
    for (let n = 0; n < 3; n++) await sender.send(n)
    let sent = false
    const waiting = sender.send(3).then(() => {
      sent = true
    })
    await until('the stream is full', () => sender.stats().waits === 1)
    let turns = 0
    await until('the loop has turned', () => ++turns > 100)
    expect(sent).to.equal(false)
    expect(sender.stats().queued).to.equal(1)
    expect(await receiver.recv()).to.equal(0)
    await waiting
    for (let n = 1; n < 4; n++) expect(await receiver.recv()).to.equal(n)
    expect(sender.stats().longestWait).to.be.greaterThan(0)
  })

  it('goes on in order after it was full', async () => {
    const [sender, receiver] = await open({ capacity: 2, prefetch: 2 })
    const all = Array.from({ length: 2000 }, (_, n) => n)
    const sent = sender.sendAll(all)
    for (const n of all) expect(await receiver.recv()).to.equal(n)
    expect(await sent).to.equal(2000)
  })

  it('withdraws a message that waits when its signal aborts', async () => {
    const [sender, receiver] = await open({ capacity: 1 })
    await sender.send('first')
    const aborting = new AbortController()
    const waiting = sender.send('withdrawn', { signal: aborting.signal })
    await until('the stream is full', () => sender.stats().waits === 1)
    aborting.abort(new Error('enough'))
    const error = await waiting.catch((reason: unknown) => reason)
    expect((error as Error).message).to.equal('enough')
    expect(await receiver.recv()).to.equal('first')
    await sender.send('second')
    expect(await receiver.recv()).to.equal('second')
  })

  it('is read on demand: what nobody asked for stays in the stream, for others', async () => {
    const [sender, first, name] = await open({ coalesce: false })
    const second = await natsReceiver(hosts.far, name)
    await sender.sendAll([1, 2, 3])
    expect(await first.recv()).to.equal(1)
    expect(await second.recv()).to.equal(2)
    expect(await second.recv()).to.equal(3)
    expect(first.stats()).to.deep.include({ packets: 1, queued: 0 })
  })

  it('asks ahead only if prefetch says so', async () => {
    const [sender, receiver] = await open({ coalesce: false, prefetch: 3 })
    await sender.sendAll([1, 2, 3, 4, 5])
    expect(await receiver.recv()).to.equal(1)
    await until('two have come ahead', () => receiver.stats().queued === 2)
    for (let n = 2; n <= 5; n++) expect(await receiver.recv()).to.equal(n)
  })

  it('gives back what a cancelled receive asked for', async () => {
    const [sender, first, name] = await open()
    const aborting = new AbortController()
    const waiting = first.recv({ signal: aborting.signal })
    aborting.abort(new Error('enough'))
    expect(await waiting.catch((error: Error) => error.message)).to.equal('enough')
    await sender.send('for the other')
    const second = await natsReceiver<string>(hosts.far, name)
    expect(await second.recv()).to.equal('for the other')
    await sender.send('for the first again')
    expect(await first.recv()).to.equal('for the first again')
  })

  it('delivers each message to one receiver', async () => {
    const [sender, first, name] = await open()
    const ends = [first, await natsReceiver(hosts.far, name), await natsReceiver(hosts.near, name)]
    const count = 3000
    const seen: number[] = []
    const ended: AbortController[] = []
    const done = ends.map(async (end) => {
      const aborting = new AbortController()
      ended.push(aborting)
      for (;;) {
        const got = await end.recv({ signal: aborting.signal }).catch(() => undefined)
        if (got === undefined) return
        seen.push(got as number)
        if (seen.length === count) for (const other of ended) other.abort()
      }
    })
    await sender.sendAll(Array.from({ length: count }, (_, n) => n))
    await Promise.all(done)
    expect(seen.sort((a, b) => a - b)).to.deep.equal(Array.from({ length: count }, (_, n) => n))
  })

  it('has no end: what is sent later arrives at a receiver that waits', async () => {
    const [sender, receiver] = await open()
    await sender.send(1)
    await sender.close()
    expect(await receiver.recv()).to.equal(1)
    const waiting = receiver.recv()
    const later = await natsSender(hosts.near, receiver.name)
    await later.send(2)
    expect(await waiting).to.equal(2)
  })

  it('is over when the connection is closed for good', async () => {
    const name = freshName()
    const connection = await server.current.connect()
    const sender = await natsSender(connection, name, { capacity: 1 })
    const receiver = await natsReceiver(connection, name)
    const waiting = receiver.recv()
    const looping = receiver[Symbol.asyncIterator]().next()
    await connection.close()
    await rejectsCode(waiting, 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(looping, 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(sender.send(1), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(sender.sendAll([1, 2]), 'ERR_WORMHOLE_DISCONNECTED')
    await rejectsCode(natsSender(connection, name), 'ERR_WORMHOLE_DISCONNECTED')
    await Promise.all([sender.close(), receiver.close()])
  })

  it('refuses descriptors, blocking calls and tries, and says what to use', async () => {
    const [sender, receiver] = await open()
    const calls: [() => unknown, RegExp][] = [
      [() => sender.trySend(1), /use send\(\)/],
      [() => sender.sendSync(1), /use await send\(\)/],
      [() => sender.sendWithFds(1, [0]), /send the data/],
      [() => sender.sendWithFdsSync(1, [0]), /send the data/],
      [() => sender.gone(), /keeps messages/],
      [() => sender.clone(), /another end of the same name/],
      [() => receiver.tryRecv(), /use recv\(\)/],
      [() => receiver.recvSync(), /use await recv\(\)/],
      [() => receiver.recvWithFds(), /send the data/],
      [() => receiver.recvWithFdsSync(), /send the data/],
      [() => receiver.detach(), /another end of the same name/],
    ]
    for (const [call, instead] of calls) {
      expect(throwsCode(call, 'ERR_WORMHOLE_UNSUPPORTED').message).to.match(instead)
    }
    await sender.send('still works')
    expect(await receiver.recv()).to.equal('still works')
  })

  it('refuses what JSON cannot carry, and ends as messages, before anything is sent', async () => {
    const [sender, receiver] = await open()
    throwsCode(() => void sender.send(undefined), 'ERR_WORMHOLE_UNSERIALIZABLE')
    throwsCode(() => void sender.send({ receiver }), 'ERR_WORMHOLE_UNSERIALIZABLE')
    await rejectsCode(sender.sendAll([1, () => 1]), 'ERR_WORMHOLE_UNSERIALIZABLE')
    expect(await receiver.recv()).to.equal(1)
    expect(sender.stats().messages).to.equal(1)
  })

  it('closes gracefully: what was sent is in the stream, and more cannot be sent', async () => {
    const [sender, receiver] = await open()
    const sent = [sender.send(1), sender.sendAll([2, 3])]
    await sender.close()
    expect(sender.closed).to.equal(true)
    throwsCode(() => void sender.send(4), 'ERR_WORMHOLE_CLOSED')
    await Promise.all(sent)
    const waiting = [1, 2, 3].map(() => receiver.recv())
    expect(await Promise.all(waiting)).to.deep.equal([1, 2, 3])
    const left = receiver.recv()
    await receiver.close()
    await rejectsCode(left, 'ERR_WORMHOLE_CLOSED')
    throwsCode(() => void receiver.recv(), 'ERR_WORMHOLE_CLOSED')
  })

  it('gives back what was not received when it is closed, and nothing of what was', async () => {
    const [sender, first, name] = await open({ prefetch: 4 })
    await sender.sendAll([1, 2, 3, 4, 5])
    expect(await first.recv()).to.equal(1)
    expect(await first.recv()).to.equal(2)
    await first.close()
    const second = await natsReceiver(hosts.far, name)
    const got = [await second.recv(), await second.recv(), await second.recv()]
    expect(got).to.deep.equal([3, 4, 5])
    await sender.send(6)
    expect(await second.recv()).to.equal(6)
  })

  it('flushes: resolves once the stream has all, and fails with the first that failed', async () => {
    const [sender, receiver] = await open({ maxMessageBytes: 100 })
    void sender.send(1)
    const all = sender.sendAll([2, 3])
    await sender.flush()
    expect(sender.stats()).to.deep.include({ messages: 3, queued: 0 })
    await all
    await rejectsCode(sender.send('x'.repeat(200)), 'ERR_WORMHOLE_TOO_LARGE')
    expect(await receiver.recv()).to.equal(1)
  })
})
