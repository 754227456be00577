import { expect } from 'chai'
import { channel, merge, type Receiver, type Sender, select } from 'wormhole-ipc'
import { natsReceiver, natsSender, type RemoteReceiver, type RemoteSender } from 'wormhole-ipc/nats'
import { startNode } from '../helpers/child.js'
import { watchesEvents } from '../helpers/events.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { freshName, type TestConnection, usesServer } from '../helpers/nats.js'
import { asyncSchemaOf, schemaOf, text } from '../helpers/schema.js'

describe('remote and local ends side by side', () => {
  const server = usesServer()
  const events = watchesEvents()
  let near: TestConnection
  let sender: RemoteSender<unknown>
  let remote: RemoteReceiver<unknown>
  let localSender: Sender<unknown>
  let local: Receiver<unknown>

  before(async () => {
    near = await server.current.connect()
  })
  beforeEach(async () => {
    const name = freshName()
    sender = await natsSender(near, name)
    remote = await natsReceiver(near, name)
    ;[localSender, local] = channel()
  })
  afterEach(async () => {
    await Promise.all([sender.close(), remote.close()])
    localSender.close()
    local.close()
  })

  it('are selected from, and what was not picked stays', async () => {
    const first = select({ local, remote })
    await localSender.send('here')
    expect(await first).to.deep.equal(['local', 'here'])
    await sender.send('there')
    expect(await select({ local, remote })).to.deep.equal(['remote', 'there'])
    const both = select({ local, remote })
    await sender.send('there again')
    expect(await both).to.deep.equal(['remote', 'there again'])
    await localSender.send('here again')
    expect(await local.recv()).to.equal('here again')
  })

  it('are merged, and a remote message is acknowledged when the loop asks for the next', async () => {
    const seen: unknown[] = []
    await sender.send(1)
    await localSender.send(2)
    for await (const [key, message] of merge({ local, remote })) {
      seen.push(`${key} ${message}`)
      if (seen.length === 2) {
        await sender.send(3)
        await localSender.send(4)
      }
      if (seen.length === 4) break
    }
    expect(seen.sort()).to.deep.equal(['local 2', 'local 4', 'remote 1', 'remote 3'])
  })

  it('are merged: the remote message at which the loop is left comes again', async () => {
    await sender.sendAll([1, 2])
    for await (const [, message] of merge({ local, remote })) {
      if (message === 2) break
    }
    expect(await remote.recv()).to.equal(2)
  })

  it('fail a select with the key of the end that failed', async () => {
    near.publish(`wh.${remote.name}`, 'no JSON')
    const error = await rejectsCode(select({ local, remote }), 'ERR_WORMHOLE_MALFORMED')
    expect(error.key).to.equal('remote')
    const waiting = select({ local, remote })
    await remote.close()
    expect((await rejectsCode(waiting, 'ERR_WORMHOLE_CLOSED')).key).to.equal('remote')
  })

  it('are checked by a schema, which may answer later', async () => {
    for (const schema of [schemaOf(text), asyncSchemaOf(text)]) {
      const checked = await natsReceiver(near, remote.name, { schema })
      await sender.sendAll([1, -1, 2, 3])
      expect(await checked.recv()).to.equal('number 1')
      await rejectsCode(checked.recv(), 'ERR_WORMHOLE_INVALID')
      const lease = await checked.lease()
      expect(lease.message).to.equal('number 2')
      lease.ack()
      const loop = checked.batches()
      expect((await loop.next()).value).to.deep.equal(['number 3'])
      await loop.return?.()
      expect(await checked.recv()).to.equal('number 3')
      await checked.close()
    }
  })

  it('publish the same events, with -1 for a descriptor', async () => {
    events.clear()
    const name = freshName()
    const from = await natsSender<string>(near, name)
    const to = await natsReceiver<string>(near, name)
    expect(events.of('wormhole-ipc:open')).to.deep.equal([
      { end: from, fd: -1 },
      { end: to, fd: -1 },
    ])
    await from.sendAll(['a', 'b'])
    expect(events.of('wormhole-ipc:send')).to.deep.equal([{ end: from, fd: -1, messages: 2, bytes: 6, fds: 0 }])
    await to.recv()
    expect(events.of('wormhole-ipc:receive')).to.deep.equal([{ end: to, fd: -1, messages: 2, bytes: 6, fds: 0 }])
    expect(from.stats()).to.deep.include({ messages: 2, bytes: 6, packets: 1, fds: 0, queued: 0, retries: 0 })
    expect(to.stats()).to.deep.include({ messages: 1, bytes: 6, packets: 1, fds: 0, queued: 1, redelivered: 0 })
    near.publish(`wh.${name}`, 'no JSON')
    await to.recv()
    const error = await rejectsCode(to.recv(), 'ERR_WORMHOLE_MALFORMED')
    expect(events.of('wormhole-ipc:error')).to.deep.equal([{ end: to, fd: -1, error }])
    await Promise.all([from.close(), to.close()])
    expect(events.of('wormhole-ipc:close')).to.have.deep.members([
      { end: from, fd: -1, reason: 'closed' },
      { end: to, fd: -1, reason: 'closed' },
    ])
  })

  it('are traced by NODE_DEBUG', async () => {
    const previous = process.env.NODE_DEBUG
    process.env.NODE_DEBUG = 'wormhole'
    const child = startNode('nats-end', [server.current.url, freshName()])
    if (previous === undefined) delete process.env.NODE_DEBUG
    else process.env.NODE_DEBUG = previous
    const { stdout, stderr, code } = await child.ended
    expect({ stdout, code }).to.deep.equal({ stdout: '1\n', code: 0 })
    expect(stderr).to.match(/RemoteSender -1: opened/)
    expect(stderr).to.match(/RemoteReceiver -1: waits\n/)
    expect(stderr).to.match(/RemoteReceiver -1: resumed, after [\d.]+ ms/)
    expect(stderr).to.match(/RemoteSender -1: closed/)
  })
})
