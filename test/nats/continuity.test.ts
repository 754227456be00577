import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { natsReceiver, natsSender } from 'wormhole-ipc/nats'
import { LONG, MAX_MS, SEED, sized } from '../helpers/long.js'
import { needsServer, type TestConnection, TestServer } from '../helpers/nats.js'
import { Random } from '../helpers/random.js'
import { until } from '../helpers/until.js'

const ROUNDS = sized(12, 200)
/** Messages of a round at most. */
const MOST = 20
const LEASE_MS = 1234

interface StreamInfo {
  state: { messages: number; last_seq: number }
}

interface ConsumerInfo {
  delivered: { stream_seq: number }
  config: { ack_wait: number }
}

async function ask(connection: TestConnection, what: string): Promise<unknown> {
  return JSON.parse(Buffer.from((await connection.request(`$JS.API.${what}`)).data).toString())
}

function streamOf(connection: TestConnection): Promise<StreamInfo> {
  return ask(connection, 'STREAM.INFO.wh-jobs') as Promise<StreamInfo>
}

function consumerOf(connection: TestConnection): Promise<ConsumerInfo> {
  return ask(connection, 'CONSUMER.INFO.wh-jobs.receivers') as Promise<ConsumerInfo>
}

/** Resolves once the stream is empty. */
async function emptied(connection: TestConnection): Promise<void> {
  while ((await streamOf(connection)).state.messages > 0) await connection.flush()
}

/**
 * Ends a server, and takes from its files what one that is killed between two of its steps does not leave: the file of the
 * last block is removed, and that of the next, which says how far the stream has counted, is not there yet.
 */
async function endWithoutBlocks(server: TestServer): Promise<void> {
  await server.kill('SIGTERM')
  rmSync(join(server.folder, 'jetstream/$G/streams/wh-jobs/msgs'), { recursive: true })
}

describe('a remote channel whose server is killed while the stream is empty', function () {
  this.timeout(LONG ? MAX_MS : 60_000)
  let server: TestServer
  let near: TestConnection
  let far: TestConnection
  beforeEach(async function () {
    needsServer(this)
    server = await new TestServer().start()
    await connect()
  })
  afterEach(() => server?.stop())

  async function connect(): Promise<void> {
    near = await server.connect()
    far = await server.connect()
  }

  it('delivers what is sent afterwards, though the stream counts from 1 again', async () => {
    const sender = await natsSender<number>(near, 'jobs', { coalesce: false })
    const receiver = await natsReceiver<number>(far, 'jobs', { leaseMs: LEASE_MS })
    for (let n = 0; n < 5; n++) {
      await sender.send(n)
      expect(await receiver.recv()).to.equal(n)
    }
    await emptied(near)
    expect((await consumerOf(near)).delivered.stream_seq).to.equal(5)
    await endWithoutBlocks(server)
    const sent = sender.sendAll([5, 6])
    const got = [receiver.recv(), receiver.recv()]
    await server.start()
    await sent
    expect((await streamOf(near)).state.last_seq).to.equal(2)
    expect(await Promise.all(got)).to.deep.equal([5, 6])
    expect((await consumerOf(near)).config.ack_wait).to.equal(LEASE_MS * 1e6)
  })

  it('delivers what ends send and ask for that are opened afterwards', async () => {
    const before = await natsSender<number>(near, 'jobs', { coalesce: false })
    const first = await natsReceiver<number>(far, 'jobs', { leaseMs: LEASE_MS })
    await before.sendAll([0, 1, 2, 3, 4])
    for (let n = 0; n < 5; n++) await first.recv()
    await emptied(near)
    await Promise.all([before.close(), first.close()])
    await endWithoutBlocks(server)
    await server.start()
    await connect()
    expect((await streamOf(near)).state).to.deep.include({ messages: 0, last_seq: 0 })
    expect((await consumerOf(near)).delivered.stream_seq).to.equal(5)
    const sender = await natsSender<number>(near, 'jobs', { coalesce: false })
    await sender.sendAll([5, 6, 7])
    const receiver = await natsReceiver<number>(far, 'jobs')
    expect([await receiver.recv(), await receiver.recv(), await receiver.recv()]).to.deep.equal([5, 6, 7])
    expect((await consumerOf(near)).config.ack_wait).to.equal(LEASE_MS * 1e6)
  })

  it('delivers what somebody else has sent before any end was there to look', async () => {
    const sender = await natsSender<number>(near, 'jobs')
    const first = await natsReceiver<number>(far, 'jobs')
    await sender.send(0)
    await first.recv()
    await emptied(near)
    await Promise.all([sender.close(), first.close()])
    await endWithoutBlocks(server)
    await server.start()
    await connect()
    // More than the consumer had counted: it is not ahead any more, and has passed over the first of them.
    for (const n of [1, 2, 3]) near.publish('wh.jobs', `${n}`)
    await near.flush()
    expect((await streamOf(near)).state).to.deep.include({ messages: 3, last_seq: 3 })
    expect((await consumerOf(near)).delivered.stream_seq).to.equal(1)
    const receiver = await natsReceiver<number>(far, 'jobs')
    expect([await receiver.recv(), await receiver.recv(), await receiver.recv()]).to.have.members([1, 2, 3])
  })

  it(`loses nothing in ${ROUNDS} kills, each right after the last acknowledgement`, async () => {
    const random = new Random(SEED)
    const sender = await natsSender<number>(near, 'jobs', { coalesce: false })
    const receiver = await natsReceiver<number>(far, 'jobs', { leaseMs: 500 })
    const received = new Set<number>()
    const loop = (async () => {
      for await (const n of receiver) received.add(n)
    })()
    const ended = loop.catch((error: { code?: string }) => error.code)
    let sent = 0
    for (let round = 0; round < ROUNDS; round++) {
      for (const end = sent + 1 + random.below(MOST); sent < end; sent++) await sender.send(sent)
      await until(`${sent} messages have come`, () => received.size === sent)
      await far.flush()
      await server.kill()
      await server.start()
    }
    await receiver.close()
    expect(await ended).to.be.oneOf([undefined, 'ERR_WORMHOLE_CLOSED'])
  })
})
