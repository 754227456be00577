import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import {
  type Lease,
  natsReceiver,
  natsSender,
  type RemoteOptions,
  type RemoteReceiver,
  type RemoteSender,
} from 'wormhole-ipc/nats'
import { rejectsCode } from '../helpers/expect-error.js'
import { freshName, usesConnections, usesServer } from '../helpers/nats.js'
import { schemaOf } from '../helpers/schema.js'
import { until } from '../helpers/until.js'

/** Long enough for a busy machine to renew it in time. */
const LEASE_MS = 1500

const refusing = schemaOf(() => {
  throw new Error('refused')
})

describe('what a remote receiver has', () => {
  const server = usesServer()
  const hosts = usesConnections(server)

  async function open(options?: RemoteOptions<unknown>) {
    const name = freshName()
    const sender = await natsSender<unknown>(hosts.near, name, options)
    return { sender, receiver: await natsReceiver<unknown>(hosts.far, name, options), name }
  }

  /** The packets that the stream holds. */
  async function stored(name: string): Promise<number> {
    const answer = await hosts.near.request(`$JS.API.STREAM.INFO.wh-${name}`)
    return (JSON.parse(Buffer.from(answer.data).toString()) as { state: { messages: number } }).state.messages
  }

  /** Waits until the stream holds so many packets: it hears of an acknowledgement a moment later. */
  async function holds(name: string, packets: number): Promise<void> {
    let is = -1
    let asking = false
    await until(`the stream holds ${packets}`, () => {
      if (!asking) {
        asking = true
        void stored(name).then((count) => {
          is = count
          asking = false
        })
      }
      return is === packets
    })
  }

  /** For twice a lease's time, what is sent is all that the other receiver gets: nothing comes again. */
  async function passesAlone(sender: RemoteSender<unknown>, other: RemoteReceiver<unknown>): Promise<void> {
    const end = Date.now() + 2 * LEASE_MS
    for (let n = 0; Date.now() < end; n++) {
      await sender.send(n)
      expect(await other.recv()).to.equal(n)
      await setTimeout(LEASE_MS / 10)
    }
  }

  it('is acknowledged when recv resolves', async () => {
    const { sender, receiver, name } = await open({ coalesce: false })
    await sender.sendAll([1, 2])
    await receiver.recv()
    await holds(name, 1)
    await receiver.recv()
    await holds(name, 0)
  })

  it('is acknowledged when a loop asks for the next, and not before', async () => {
    const { sender, receiver, name } = await open({ coalesce: false })
    await sender.sendAll([1, 2, 3])
    const loop = receiver[Symbol.asyncIterator]()
    await loop.next()
    await hosts.far.flush()
    expect(await stored(name)).to.equal(3)
    await loop.next()
    await holds(name, 2)
    await loop.next()
    await holds(name, 1)
    void loop.next()
    await holds(name, 0)
  })

  it('comes again if a loop is left before it asks for the next', async () => {
    const { sender, receiver } = await open()
    await sender.sendAll([1, 2, 3])
    const seen: unknown[] = []
    const failing = async () => {
      for await (const message of receiver) {
        seen.push(message)
        if (message === 2) throw new Error('failed')
      }
    }
    expect(await failing().catch((error: Error) => error.message)).to.equal('failed')
    for await (const message of receiver) {
      seen.push(message)
      if (message === 3) break
    }
    expect(seen).to.deep.equal([1, 2, 2, 3])
    expect(await receiver.recv()).to.equal(3)
  })

  it('goes to another receiver if a loop is left and does not go on', async () => {
    const { sender, receiver, name } = await open({ coalesce: false })
    await sender.send('job')
    for await (const message of receiver) {
      expect(message).to.equal('job')
      break
    }
    const other = await natsReceiver(hosts.near, name)
    expect(await other.recv()).to.equal('job')
    expect(other.stats().redelivered).to.equal(1)
    await holds(name, 0)
  })

  it('comes as arrays from batches(), which are acknowledged alike', async () => {
    const { sender, receiver, name } = await open()
    await sender.sendAll([1, 2, 3])
    const loop = receiver.batches()
    expect((await loop.next()).value).to.deep.equal([1, 2, 3])
    await hosts.far.flush()
    expect(await stored(name)).to.equal(1)
    void loop.next()
    await holds(name, 0)
  })

  it('is renewed while a loop works: it does not come again, however long that takes', async () => {
    const { sender, receiver, name } = await open({ leaseMs: LEASE_MS, coalesce: false })
    const other = await natsReceiver(hosts.near, name)
    await sender.send('long work')
    const loop = receiver[Symbol.asyncIterator]()
    expect((await loop.next()).value).to.equal('long work')
    await passesAlone(sender, other)
    void loop.next()
    await holds(name, 0)
  })

  it('comes again after its lease if the receiver is gone without a word', async () => {
    const { sender, name } = await open({ leaseMs: 200 })
    const dying = await server.current.connect()
    const first = await natsReceiver(dying, name)
    await sender.send('orphan')
    const loop = first[Symbol.asyncIterator]()
    expect((await loop.next()).value).to.equal('orphan')
    await dying.close()
    const second = await natsReceiver(hosts.far, name)
    expect(await second.recv()).to.equal('orphan')
    expect(second.stats().redelivered).to.equal(1)
  })

  it('is acknowledged by hand with lease()', async () => {
    const { sender, receiver, name } = await open()
    await sender.sendAll([1, 2])
    const [first, second] = [await receiver.lease(), await receiver.lease()]
    expect([first.message, second.message]).to.deep.equal([1, 2])
    first.ack()
    first.nak() // only the first of the two counts
    await hosts.far.flush()
    expect(await stored(name)).to.equal(1)
    second.ack()
    await holds(name, 0)
  })

  it('is given back by nak(), alone if it shared a packet', async () => {
    const { sender, receiver, name } = await open()
    await sender.sendAll([1, 2, 3])
    const leases = [await receiver.lease(), await receiver.lease(), await receiver.lease()] as Lease<unknown>[]
    leases[0]?.ack()
    leases[1]?.nak()
    leases[2]?.ack()
    expect(await receiver.recv()).to.equal(2)
    await sender.send('alone')
    const alone = await receiver.lease()
    alone.nak()
    const again = await receiver.lease()
    expect(again.message).to.equal('alone')
    again.ack()
    await holds(name, 0)
  })

  it('comes again after a lease that nobody renews', async () => {
    const { sender, receiver, name } = await open({ leaseMs: 200 })
    await sender.sendAll(['done', 'forgotten'])
    const done = await receiver.lease()
    await receiver.lease()
    done.ack()
    const again = await receiver.lease()
    expect(again.message).to.equal('forgotten')
    again.ack()
    await holds(name, 0)
    expect(receiver.stats().redelivered).to.equal(1)
  })

  it('stays with a lease that is renewed by hand', async () => {
    const { sender, receiver, name } = await open({ leaseMs: LEASE_MS, coalesce: false })
    const other = await natsReceiver(hosts.near, name)
    await sender.send('kept')
    const lease = await receiver.lease()
    const renewing = setInterval(() => lease.renew(), LEASE_MS / 5)
    await passesAlone(sender, other)
    clearInterval(renewing)
    lease.ack()
    await holds(name, 0)
  })

  it('is done with if it is bad: it fails alone, once', async () => {
    const { sender, receiver, name } = await open()
    hosts.near.publish(`wh.${name}`, 'no JSON')
    hosts.near.publish(`wh.${name}`, Uint8Array.of(0xff, 0xfe))
    await sender.send('sound')
    const malformed = await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_MALFORMED')
    expect(malformed.received).to.equal('no JSON')
    expect(await rejectsCode(receiver.lease(), 'ERR_WORMHOLE_MALFORMED')).to.have.property('received')
    expect(await receiver.recv()).to.equal('sound')
    await holds(name, 0)
    const checked = await natsReceiver(hosts.far, name, { schema: refusing })
    await sender.sendAll([1, 2])
    await rejectsCode(checked[Symbol.asyncIterator]().next(), 'ERR_WORMHOLE_INVALID')
    await rejectsCode(checked.lease(), 'ERR_WORMHOLE_INVALID')
    await holds(name, 0)
  })

  it('is refused if it is longer than the receiver takes', async () => {
    const { sender, name } = await open()
    const receiver = await natsReceiver(hosts.far, name, { maxMessageBytes: 10 })
    await sender.sendAll(['longer than ten bytes', 'short'])
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_TOO_LARGE')
    expect(await receiver.recv()).to.equal('short')
  })
})
