import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { MOST_TRIES } from '../examples/service/pool.js'
import { crashIn, itHasCommandLine, runExample, startExample } from './helpers/example.js'
import { addressOf } from './helpers/net.js'
import { Service } from './helpers/service.js'

/** Takes a worker a while: half a million divisions. */
const PRODUCT = 999_983 * 1_000_003

/** Takes a worker very long: there is no larger one below 2^53. */
const LARGE_PRIME = 2 ** 53 - 111
/** The log's number for errors. */
const ERROR = 50

describe('the service example', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'service-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const services: Service[] = []
  afterEach(async () => {
    for (const service of services.splice(0)) await service.end()
  })

  async function start(...args: string[]): Promise<Service> {
    const service = await Service.start(args)
    services.push(service)
    return service
  }

  /** Its metrics, by name and labels. */
  async function metricsOf(service: Service): Promise<Map<string, number>> {
    const text = await (await service.get('metrics')).text()
    return new Map([...text.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm)].map(([, key, value]) => [key!, Number(value)]))
  }

  it('answers with the prime factors', async () => {
    const service = await start()
    for (const [number, factors] of Object.entries({
      2: [2],
      360: [2, 2, 2, 3, 3, 5],
      [PRODUCT]: [999_983, 1_000_003],
    })) {
      const response = await service.get(`factors/${number}`)
      expect(response.status).to.equal(200)
      expect(await response.json()).to.deep.equal({ number: Number(number), factors })
    }
  })

  it('refuses what has no prime factors, and what it cannot represent', async () => {
    const service = await start()
    for (const number of ['1', '-7', '2.5', 'many', `${2 ** 53}`]) {
      expect((await service.get(`factors/${number}`)).status, number).to.equal(400)
    }
  })

  it("gives each request an id: the client's, if it is fit for a log", async () => {
    const service = await start()
    const idFor = async (id: string) => {
      const response = await service.get('factors/6', { headers: { 'x-request-id': id } })
      return response.headers.get('x-request-id')
    }
    expect(await idFor('order-17.a')).to.equal('order-17.a')
    for (const id of ['two words', 'x'.repeat(65)]) expect(await idFor(id)).to.match(/^[0-9a-f-]{36}$/)
  })

  it('fails no request while its workers are killed', async () => {
    const table = await runExample('service/load', ['--requests', '100', '--kill', '10'])
    const rows = [...table.matchAll(/^(undisturbed|workers killed) +(\d+) +(\d+) +(\d+) +(\d+) /gm)]
    const [calm, killed] = rows.map(([, , ...values]) => values.map(Number))
    expect(calm).to.deep.equal([100, 0, 0, 0])
    const [requests, failures, kills, retried] = killed!
    expect([requests, failures, kills]).to.deep.equal([100, 0, 10])
    expect(retried).to.be.within(1, 10)
  })

  it('tries a request again whose worker has died', async () => {
    const service = await start('--workers', '1')
    const [pid] = await service.freeze()
    const answer = service.get(`factors/${PRODUCT}`, { headers: { 'x-request-id': 'twice' } })
    await service.occupied(1, 0)
    process.kill(pid!, 'SIGKILL')
    expect((await answer).status).to.equal(200)
    expect(await service.logged('worker ended')).to.include({ worker: pid, how: 'SIGKILL' })
    expect(await service.logged('worker lost')).to.include({ reqId: 'twice' })
  })

  it('gives up a request that takes its workers with it, and says so', async () => {
    const service = await start('--workers', '1')
    const answer = service.get(`factors/${LARGE_PRIME}`)
    for (let kills = 1; kills <= MOST_TRIES; kills++) {
      await service.occupied(1, 0)
      process.kill((await service.health()).workers[0]!.pid, 'SIGKILL')
      await service.logged('worker ended', kills)
    }
    const error = `${MOST_TRIES} workers died with this job`
    expect((await answer).status).to.equal(500)
    expect(await (await answer).json()).to.include({ error })
    expect(await service.logged(error)).to.include({ level: ERROR })
  })

  it('answers 503 when too many wait, and says when to ask again', async () => {
    const service = await start('--workers', '2', '--queue', '3')
    await service.freeze()
    const answers = Array.from({ length: 5 }, () => service.get('factors/6'))
    await service.occupied(2, 3)
    const refused = await service.get('factors/6')
    expect(refused.status).to.equal(503)
    expect(refused.headers.get('retry-after')).to.equal('1')
    service.thaw()
    expect((await Promise.all(answers)).map(({ status }) => status)).to.deep.equal([200, 200, 200, 200, 200])
  })

  it('answers 504 at the deadline, and takes back the work, begun or not', async () => {
    const service = await start('--workers', '1', '--queue', '1', '--deadline', '1000')
    const [pid] = await service.freeze()
    const answers = await Promise.all([service.get('factors/6'), service.get('factors/6')])
    expect(answers.map(({ status }) => status)).to.deep.equal([504, 504])
    expect(await service.logged('worker ended')).to.include({ worker: pid, how: 'SIGKILL' })
    await service.logged('worker ready', 2)
    expect((await service.get('factors/6')).status).to.equal(200)
    expect(service.log.filter(({ msg }) => msg.startsWith('worker lost'))).to.deep.equal([])
  })

  it('ends the work of a client that has gone away', async () => {
    const service = await start('--workers', '1')
    const [pid] = await service.freeze()
    const clients = [new AbortController(), new AbortController()]
    const answers = clients.map(({ signal }) => service.get('factors/6', { signal }).catch(() => 'gone'))
    await service.occupied(1, 1)
    for (const client of clients) client.abort()
    expect(await Promise.all(answers)).to.deep.equal(['gone', 'gone'])
    expect(await service.logged('worker ended')).to.include({ worker: pid, how: 'SIGKILL' })
    await service.occupied(0, 0)
    expect((await service.get('factors/6')).status).to.equal(200)
    // This is not its fault.
    expect(service.log.filter(({ level }) => level >= ERROR)).to.deep.equal([])
    const counted = [...(await metricsOf(service)).keys()].filter((key) => key.includes('_count{route="/factors'))
    expect(counted.map((key) => /status="(\d+)"/.exec(key)?.[1])).to.have.members(['200', '499'])
  })

  it('tells its health', async () => {
    const service = await start('--workers', '2')
    const response = await service.get('health')
    expect(response.status).to.equal(200)
    const { workers, queued } = await service.health()
    expect(queued).to.equal(0)
    expect(workers.map(({ ready, busy }) => ({ ready, busy }))).to.deep.equal([
      { ready: true, busy: false },
      { ready: true, busy: false },
    ])
  })

  it('is not healthy while it can have no workers, and then answers what has waited', async () => {
    const obstacle = join(folder, 'obstacle')
    const inTheWay = `process.getBuiltinModule('fs').existsSync(${JSON.stringify(obstacle)})`
    const service = await Service.start(['--workers', '1'], crashIn('worker.js', inTheWay))
    services.push(service)
    writeFileSync(obstacle, '')
    process.kill((await service.health()).workers[0]!.pid, 'SIGKILL')
    expect(await service.logged('worker ended', 2)).to.include({ how: 'exit code 7' })
    expect((await service.get('health')).status).to.equal(503)
    const answer = service.get('factors/6')
    await service.occupied(0, 1)
    rmSync(obstacle)
    expect((await answer).status).to.equal(200)
    expect((await service.get('health')).status).to.equal(200)
  })

  it('counts on for Prometheus what both ends of its channels do, when a worker is replaced', async () => {
    const service = await start('--workers', '1')
    for (let count = 0; count < 3; count++) await service.get('factors/6')
    const [worker] = (await service.health()).workers
    process.kill(worker!.pid, 'SIGKILL')
    await service.logged('worker ready', 2)
    for (let count = 0; count < 2; count++) await service.get('factors/6')
    const metrics = await metricsOf(service)
    const messages = (channel: string, end: string) => `wormhole_messages_total{channel="${channel}",end="${end}"}`
    expect(metrics.get(messages('jobs', 'sender'))).to.equal(5)
    expect(metrics.get(messages('jobs', 'receiver'))).to.equal(5)
    // With the news of two workers that they are ready. That a report was sent comes with the next one.
    expect(metrics.get(messages('reports', 'receiver'))).to.equal(7)
    expect(metrics.get(messages('reports', 'sender'))).to.equal(5)
    expect(metrics.get('wormhole_queued_messages{channel="jobs",end="sender"}')).to.equal(0)
    expect(metrics.get('pool_workers{state="idle"}')).to.equal(1)
    expect(metrics.get('pool_workers_ended_total')).to.equal(1)
    expect(metrics.get('http_request_duration_seconds_count{route="/factors/:number",status="200"}')).to.equal(5)
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`answers what is under way at a ${signal}, and ends`, async () => {
      const service = await start('--workers', '2')
      const [pid] = await service.freeze()
      const answers = Array.from({ length: 4 }, () => service.get('factors/6'))
      await service.occupied(2, 2)
      service.child.process.kill(signal)
      await service.logged('stopping')
      // Also while it stops, a worker may die.
      process.kill(pid!, 'SIGKILL')
      service.thaw()
      for (const { status, headers } of await Promise.all(answers)) {
        expect(status).to.equal(200)
        // Nobody shall send the next request over a connection that ends.
        expect(headers.get('connection')).to.equal('close')
      }
      expect(await service.child.ended).to.include({ code: 0, signal: null, stderr: '' })
    })
  }

  it('is not held up by connections without a request', async () => {
    const service = await start('--workers', '1')
    const { hostname, port } = new URL(service.url)
    const silent = connect(Number(port), hostname)
    await once(silent, 'connect')
    // The kept connection of this answer is another one; by now, the server has accepted both.
    await service.health()
    service.child.process.kill('SIGTERM')
    expect(await service.child.ended).to.include({ code: 0, signal: null, stderr: '' })
    silent.destroy()
  })

  it('ends at once at a second signal, and so do its workers', async () => {
    const service = await start('--workers', '2')
    await service.freeze()
    const answers = [1, 2, 3].map(() => service.get('factors/6').catch(() => 'cut off'))
    await service.occupied(2, 1)
    service.child.process.kill('SIGTERM')
    await service.logged('stopping')
    service.child.process.kill('SIGTERM')
    expect(await service.child.ended).to.include({ code: 1, signal: null, stderr: '' })
    expect(await Promise.all(answers)).to.deep.equal(['cut off', 'cut off', 'cut off'])
  })

  it('leaves the end of its workers to itself when a signal is for all', async () => {
    const service = await start('--workers', '2')
    const pids = await service.freeze()
    const answers = Array.from({ length: 2 }, () => service.get('factors/6'))
    await service.occupied(2, 0)
    for (const pid of [...pids, service.child.process.pid!]) process.kill(pid, 'SIGINT')
    await service.logged('stopping')
    service.thaw()
    expect((await Promise.all(answers)).map(({ status }) => status)).to.deep.equal([200, 200])
    expect(await service.child.ended).to.include({ code: 0, signal: null, stderr: '' })
    expect(service.log.filter(({ msg }) => msg.startsWith('worker lost'))).to.deep.equal([])
  })

  it('leaves no worker behind, idle or at work, when it is killed', async () => {
    const service = await start('--workers', '2')
    await service.freeze()
    const answer = service.get('factors/6').catch(() => 'cut off')
    await service.occupied(1, 0)
    service.child.process.kill('SIGKILL')
    expect(await answer).to.equal('cut off')
    service.thaw()
    expect(await service.child.ended).to.include({ code: null, signal: 'SIGKILL', stderr: '' })
  })

  it('fails when its workers do not start', async () => {
    const args = ['--port', '0', '--workers', '2']
    const { code, stdout, stderr } = await startExample('service', args, crashIn('worker.js')).ended
    expect(stderr).to.match(/^service: worker \d+ ended before all were ready: exit code 7\n$/)
    expect(stdout).not.to.include('listening')
    expect(code).to.equal(1)
  })

  it('fails when the port is taken, and leaves no worker behind', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = addressOf(server) as { port: number }
    const { code, stderr } = await startExample('service', ['--port', `${port}`]).ended
    expect(stderr).to.equal(`service: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`)
    expect(code).to.equal(1)
    await once(server.close(), 'close')
  })

  itHasCommandLine(
    'service',
    ['--host', '--port', '--workers', '--queue', '--deadline', '--log'],
    ['--port=65536', '--workers=0', '--queue=many', '--deadline=0', '--log=all']
  )

  describe('its load test', () => {
    itHasCommandLine(
      'service/load',
      ['--requests', '--connections', '--workers', '--kill'],
      ['--requests=7', '--connections=0', '--workers=none', '--kill=0']
    )
  })
})
