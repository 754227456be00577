import { spawnSync } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { expect } from 'chai'
import { type NatsConnection, natsReceiver, natsSender, type RemoteOptions } from 'wormhole-ipc/nats'
import { rejectsCode } from '../helpers/expect-error.js'
import { sized } from '../helpers/long.js'
import { freshName, needsServer, type TestConnection, TestServer, usesServer } from '../helpers/nats.js'
import { StandInServer } from '../helpers/nats-stand-in.js'
import { until } from '../helpers/until.js'

describe('opening a remote channel', () => {
  async function refusedBy(server: StandInServer, code: 'ERR_WORMHOLE_UNSUPPORTED' | 'ERR_WORMHOLE_SERVER') {
    await server.start()
    try {
      const connection = await server.connect()
      const error = await rejectsCode(natsSender(connection, 'jobs'), code)
      await rejectsCode(natsReceiver(connection, 'jobs'), code)
      await connection.close()
      return error
    } finally {
      server.stop()
    }
  }

  it('refuses a server that loses what it acknowledged, and says which versions do not', async () => {
    for (const version of ['2.9.10', '2.10.26', '1.99.99']) {
      const { message } = await refusedBy(new StandInServer({ version }), 'ERR_WORMHOLE_UNSUPPORTED')
      expect(message).to.include(version).and.include('2.10.27 or later')
    }
  })

  it('takes later servers', async () => {
    for (const version of ['2.10.27', '2.11.0', '2.14.3-beta', '3.0.0']) {
      const { message } = await refusedBy(new StandInServer({ version }), 'ERR_WORMHOLE_UNSUPPORTED')
      expect(message).to.include('JetStream is off')
    }
  })

  it('passes on what the server says when it refuses', async () => {
    const answer = { error: { code: 500, err_code: 10000, description: 'out of order' } }
    expect((await refusedBy(new StandInServer({ answer }), 'ERR_WORMHOLE_SERVER')).message).to.include('out of order')
  })

  it('refuses what is no connection, no name, and no option', async () => {
    for (const wrong of [undefined, null, 'nats://127.0.0.1', {}, Promise.resolve()]) {
      await rejectsCode(natsSender(wrong as NatsConnection, 'jobs'), 'ERR_WORMHOLE_ARGUMENT')
      await rejectsCode(natsReceiver(wrong as NatsConnection, 'jobs'), 'ERR_WORMHOLE_ARGUMENT')
    }
    const server = await new StandInServer({}).start()
    const connection = await server.connect()
    for (const name of ['', '.', 'a..b', 'a.*', '>', 'a b', 'a/b', 'ä', 'x'.repeat(201), 7, null, undefined]) {
      await rejectsCode(natsSender(connection, name as string), 'ERR_WORMHOLE_ARGUMENT')
    }
    const options: unknown[] = [
      null,
      7,
      { capacity: 0 },
      { capacity: '1' },
      { prefetch: 0 },
      { prefetch: 1001 },
      { leaseMs: 99 },
      { leaseMs: Number.POSITIVE_INFINITY },
      { replicas: 6 },
      { coalesce: 1 },
      { schema: {} },
      { bufferBytes: 4096 },
      { maxMessageBytes: 2 * 1024 * 1024 },
    ]
    for (const option of options) {
      await rejectsCode(natsReceiver(connection, 'jobs', option as RemoteOptions), 'ERR_WORMHOLE_ARGUMENT')
    }
    await connection.close()
    server.stop()
  })

  it('says what to install if the client is not', () => {
    // A resolver that finds none of the client's packages, as where they are not installed.
    const hook = `export const resolve = (name, context, next) => next(name.replace('@nats-io', '@nats-io/missing'), context)`
    const register = `import { register } from 'node:module'; register(${JSON.stringify(script(hook))})`
    const program = `
      import { natsSender } from ${JSON.stringify(import.meta.resolve('wormhole-ipc/nats'))}
      const f = () => undefined
      const connection = { publish: f, request: f, subscribe: f, isClosed: () => false, flush: f,
        closed: () => new Promise(f), status: async function* () {}, info: { version: '2.10.27', max_payload: 1e6 } }
      await natsSender(connection, 'jobs').catch(({ code, message }) => console.log(code, message))`
    const args = ['--import', script(register), '--input-type=module', '--eval', program]
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(`${stdout}${stderr}`).to.match(
      /^ERR_WORMHOLE_UNSUPPORTED .*npm install @nats-io\/jetstream @nats-io\/transport-node/
    )
  })
})

function script(text: string): string {
  return `data:text/javascript,${encodeURIComponent(text)}`
}

describe('a remote channel in trouble', () => {
  const server = usesServer()
  let nc: TestConnection
  before(async () => {
    nc = await server.current.connect()
  })

  const deleteStream = (name: string) => nc.request(`$JS.API.STREAM.DELETE.wh-${name}`)

  it('says that its stream is gone, and works again once it is made again', async () => {
    const name = freshName()
    const sender = await natsSender<number>(nc, name)
    const receiver = await natsReceiver<number>(nc, name)
    const waiting = receiver.recv()
    await sender.send(1)
    expect(await waiting).to.equal(1)
    const orphan = receiver.recv()
    await deleteStream(name)
    expect((await rejectsCode(orphan, 'ERR_WORMHOLE_SERVER')).message).to.include('gone')
    expect((await rejectsCode(sender.send(2), 'ERR_WORMHOLE_SERVER')).message).to.include('gone')
    await rejectsCode(receiver.recv(), 'ERR_WORMHOLE_SERVER')
    await natsSender(nc, name)
    await sender.send(3)
    expect(await receiver.recv()).to.equal(3)
  })

  it('makes the consumer again if somebody deleted that', async () => {
    const name = freshName()
    const sender = await natsSender<number>(nc, name)
    const receiver = await natsReceiver<number>(nc, name)
    const waiting = receiver.recv()
    await nc.flush()
    await nc.request(`$JS.API.CONSUMER.DELETE.wh-${name}.receivers`)
    await sender.send(1)
    expect(await waiting).to.equal(1)
  })

  it('refuses a stream that is not its own', async () => {
    const name = freshName()
    const foreign = { name: `wh-${name}`, subjects: ['other'], retention: 'limits', storage: 'memory' }
    await nc.request(`$JS.API.STREAM.CREATE.wh-${name}`, JSON.stringify(foreign))
    await rejectsCode(natsSender(nc, name), 'ERR_WORMHOLE_SERVER')
    await rejectsCode(natsReceiver(nc, name), 'ERR_WORMHOLE_SERVER')
    await deleteStream(name)
    const covering = { name: 'covering', subjects: [`wh.${name}`], storage: 'memory' }
    await nc.request('$JS.API.STREAM.CREATE.covering', JSON.stringify(covering))
    expect((await rejectsCode(natsSender(nc, name), 'ERR_WORMHOLE_SERVER')).message).to.match(/overlap/)
    await nc.request('$JS.API.STREAM.DELETE.covering')
  })

  it('applies a capacity and a lease that are given later', async () => {
    const name = freshName()
    const first = await natsSender<number>(nc, name, { capacity: 1 })
    await first.send(1)
    const waiting = first.send(2)
    await until('the stream is full', () => first.stats().waits === 1)
    await natsReceiver(nc, name, { capacity: 2, leaseMs: 5000 })
    await waiting
    const answer = await nc.request(`$JS.API.CONSUMER.INFO.wh-${name}.receivers`)
    expect(JSON.parse(Buffer.from(answer.data).toString())).to.have.nested.property('config.ack_wait', 5e9)
  })

  it('opens many ends of one new name at the same time', async () => {
    const name = freshName()
    const senders = await Promise.all(Array.from({ length: 8 }, () => natsSender<number>(nc, name)))
    const receivers = await Promise.all(Array.from({ length: 8 }, () => natsReceiver<number>(nc, name)))
    const all = receivers.map((end) => end.recv())
    await Promise.all(senders.map((end, n) => end.send(n)))
    expect((await Promise.all(all)).sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7])
  })
})

describe('a remote channel whose server restarts', () => {
  let server: TestServer
  let nc: TestConnection
  beforeEach(async function () {
    needsServer(this)
    server = await new TestServer().start()
    nc = await server.connect()
  })
  afterEach(() => server?.stop())

  it('goes on: what was acknowledged is there, what waits is sent, and receivers ask again', async () => {
    const sender = await natsSender<number>(nc, 'jobs')
    const receiver = await natsReceiver<number>(nc, 'jobs')
    for (let n = 0; n < 3; n++) await sender.send(n)
    await server.kill()
    const sent = [3, 4, 5].map((n) => sender.send(n))
    const got: Promise<number>[] = []
    for (let n = 0; n < 7; n++) got.push(receiver.recv())
    let turns = 0
    await until('the loop has turned', () => ++turns > 100)
    // So long that the receiver misses the heartbeats of its pull.
    await setTimeout(sized(0, 8000))
    await server.start()
    await Promise.all(sent)
    await sender.send(6)
    expect(await Promise.all(got)).to.deep.equal([0, 1, 2, 3, 4, 5, 6])
  })

  it('opens ends though the server is killed before it has answered', async () => {
    void server.kill('SIGSTOP')
    const opening = Promise.all([natsSender<number>(nc, 'jobs'), natsReceiver<number>(nc, 'jobs')])
    let turns = 0
    await until('the requests are on their way', () => ++turns > 100)
    await server.kill()
    await server.start()
    const [sender, receiver] = await opening
    await sender.send(1)
    expect(await receiver.recv()).to.equal(1)
  })

  it('lets a send be aborted while the server is away', async () => {
    const sender = await natsSender<number>(nc, 'jobs')
    await server.kill()
    const aborting = new AbortController()
    const lost = sender.send(1, { signal: aborting.signal })
    aborting.abort(new Error('enough'))
    expect(await lost.catch((error: Error) => error.message)).to.equal('enough')
  })

  it('acknowledges again, and does not deliver, what comes again as its acknowledgement was lost', async () => {
    const sender = await natsSender<number>(nc, 'jobs', { coalesce: false })
    const receiver = await natsReceiver<number>(nc, 'jobs', { leaseMs: 500 })
    await sender.sendAll([1, 2])
    const loop = receiver[Symbol.asyncIterator]()
    expect((await loop.next()).value).to.equal(1)
    await server.kill()
    const second = loop.next() // acknowledges the first, to nobody
    await server.start()
    expect((await second).value).to.equal(2)
    await sender.send(3)
    expect((await loop.next()).value).to.equal(3)
    expect(receiver.stats().redelivered).to.be.lessThan(2)
    await receiver.close()
  })
})

describe('a remote channel of a server with accounts', () => {
  const server = usesServer(
    'jetstream { store_dir: "%folder%" }\n' +
      'authorization { users = [ { user: all, password: secret }, ' +
      '{ user: none, password: secret, permissions: { publish: ["$JS.API.INFO", "$JS.API.STREAM.INFO.*"] } } ] }'
  )

  it('says what an account needs that may not publish', async () => {
    const all = await server.current.connect({ user: 'all', pass: 'secret' })
    await natsSender(all, 'jobs')
    const none = await server.current.connect({ user: 'none', pass: 'secret' })
    const sender = await natsSender(none, 'jobs')
    expect((await rejectsCode(sender.send(1), 'ERR_WORMHOLE_SERVER')).message).to.match(/[Pp]ermissions.*wh\.>/s)
    await rejectsCode(natsReceiver(none, 'jobs'), 'ERR_WORMHOLE_SERVER')
  })

  it('leaves wrong credentials to the client, which rejects the connection', async () => {
    const refused = await server.current.connect({ user: 'all', pass: 'wrong', reconnect: false }).then(
      () => 'connected',
      (error: Error) => error.message
    )
    expect(refused).to.match(/[Aa]uthorization/)
  })
})

describe('a remote channel of a server that takes short messages', () => {
  const server = usesServer('jetstream { store_dir: "%folder%" }\nmax_payload: 1024')

  it('refuses a longer message, and one that is allowed to be longer', async () => {
    const nc = await server.current.connect()
    const error = await rejectsCode(natsSender(nc, 'jobs', { maxMessageBytes: 1000 }), 'ERR_WORMHOLE_ARGUMENT')
    expect(error.message).to.include('max_payload')
    const sender = await natsSender<string>(nc, 'jobs')
    const receiver = await natsReceiver<string>(nc, 'jobs')
    await rejectsCode(sender.send('x'.repeat(1000)), 'ERR_WORMHOLE_TOO_LARGE')
    const all = Array.from({ length: 200 }, (_, n) => 'é'.repeat(n % 300))
    const sent = sender.sendAll(all)
    for (const message of all) expect(await receiver.recv()).to.equal(message)
    await sent
  })
})
