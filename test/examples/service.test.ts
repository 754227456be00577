import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { crashIn, itHasCommandLine, runExample } from '../helpers/example.js'
import { sized } from '../helpers/long.js'
import { Service, usesServices } from '../helpers/service.js'

/** Takes a worker a while: half a million divisions. */
const PRODUCT = 999_983 * 1_000_003

/** Takes a worker very long: there is no larger one below 2^53. */
const LARGE_PRIME = 2 ** 53 - 111
/** How often a request is tried. */
const TRIES = 5
/** The log's number for errors. */
const ERROR = 50

describe('the service example', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'service-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const start = usesServices()

  /** Its metrics, by name and labels. */
  async function metricsOf(service: Service): Promise<Map<string, number>> {
    const text = await (await service.get('metrics')).text()
    return new Map([...text.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm)].map(([, key, value]) => [key!, Number(value)]))
  }

  describe('asked by well-behaved clients', () => {
    let service: Service
    before(async () => {
      service = await Service.start(['--workers', '2'])
    })
    after(() => service.end())

    it('answers with the prime factors', async () => {
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
      for (const number of ['1', '-7', '2.5', 'many', `${2 ** 53}`]) {
        expect((await service.get(`factors/${number}`)).status, number).to.equal(400)
      }
    })

    it("gives each request an id: the client's, if it is fit for a log", async () => {
      const idFor = async (id: string) => {
        const response = await service.get('factors/6', { headers: { 'x-request-id': id } })
        return response.headers.get('x-request-id')
      }
      expect(await idFor('order-17.a')).to.equal('order-17.a')
      for (const id of ['two words', 'x'.repeat(65)]) expect(await idFor(id)).to.match(/^[0-9a-f-]{36}$/)
    })

    it('tells its health', async () => {
      const response = await service.get('health')
      expect(response.status).to.equal(200)
      const { workers, busy, queued } = await service.health()
      expect({ busy, queued }).to.deep.equal({ busy: 0, queued: 0 })
      expect(new Set(workers).size).to.equal(2)
      for (const pid of workers) expect(process.kill(pid, 0)).to.equal(true)
    })
  })

  it('fails no request while its workers are killed', async () => {
    const requests = sized(12, 60)
    const table = await runExample('service/load', ['--requests', `${requests}`, '--kill', '6'])
    const rows = [...table.matchAll(/^(undisturbed|workers killed) +(\d+) +(\d+) +(\d+) +(\d+) /gm)]
    const [calm, killed] = rows.map(([, , ...values]) => values.map(Number))
    expect(calm).to.deep.equal([requests, 0, 0, 0])
    const [sent, failures, kills, retried] = killed!
    expect([sent, failures, kills]).to.deep.equal([requests, 0, requests / 6])
    // A worker may be killed while it has nothing to do.
    expect(retried).to.be.at.most(requests / 6)
  })

  it('tries a request again whose worker has died', async () => {
    const service = await start(['--workers', '1'])
    const [pid] = await service.freeze()
    const answer = service.get(`factors/${PRODUCT}`)
    await service.occupied(1, 0)
    process.kill(pid!, 'SIGKILL')
    expect((await answer).status).to.equal(200)
    expect(await service.logged('worker ended')).to.include({ worker: pid, how: 'SIGKILL' })
    // It had not begun: that is no try.
    expect((await metricsOf(service)).get('pool_jobs_retried_total')).to.equal(0)
  })

  it('says which request a worker had begun with when it died', async () => {
    const service = await start(['--workers', '1', '--log', 'debug'])
    const answer = service.get(`factors/${LARGE_PRIME}`, { headers: { 'x-request-id': 'twice' } })
    const { worker, reqId } = await service.logged('worker has begun')
    expect(reqId).to.equal('twice')
    process.kill(worker!, 'SIGKILL')
    expect(await service.logged('worker ended')).to.include({ worker, how: 'SIGKILL', reqId })
    expect(await (await answer).json()).to.deep.equal({ number: LARGE_PRIME, factors: [LARGE_PRIME] })
  })

  it('gives up a request that takes its workers with it, and says so', async () => {
    const service = await start(['--workers', '1'])
    const answer = service.get(`factors/${LARGE_PRIME}`)
    for (let kills = 1; kills <= TRIES; kills++) {
      const [pid] = await service.occupied(1, 0)
      process.kill(pid!, 'SIGKILL')
      await service.logged('worker ended', kills)
    }
    const error = 'a process of the pool was killed by SIGKILL'
    expect((await answer).status).to.equal(500)
    expect(await (await answer).json()).to.include({ error })
    expect(await service.logged(error)).to.include({ level: ERROR })
  })

  it('answers 503 when too many wait, and says when to ask again', async () => {
    const service = await start(['--workers', '2', '--queue', '3'])
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
    const service = await start(['--workers', '1', '--queue', '1', '--deadline', '3000'])
    const [pid] = await service.freeze()
    const answers = await Promise.all([service.get('factors/6'), service.get('factors/6')])
    expect(answers.map(({ status }) => status)).to.deep.equal([504, 504])
    expect(await service.logged('worker ended')).to.include({ worker: pid, how: 'SIGKILL' })
    // On a busy machine a new worker may take longer to start than this deadline.
    while ((await service.get('factors/6')).status !== 200);
    expect((await metricsOf(service)).get('pool_jobs_retried_total')).to.equal(0)
  })

  it('ends the work of a client that has gone away', async () => {
    const service = await start(['--workers', '1'])
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

  it('is not healthy while it can have no workers, and is again once it can', async () => {
    const obstacle = join(folder, 'obstacle')
    const inTheWay = `process.getBuiltinModule('fs').existsSync(${JSON.stringify(obstacle)})`
    const service = await start(['--workers', '1'], crashIn('worker.js', inTheWay))
    writeFileSync(obstacle, '')
    process.kill((await service.health()).workers[0]!, 'SIGKILL')
    expect((await service.get('factors/6')).status).to.equal(500)
    expect(await service.logged('worker ended', TRIES)).to.include({ how: 'exit code 7' })
    expect((await service.get('health')).status).to.equal(503)
    rmSync(obstacle)
    expect((await service.get('health')).status).to.equal(200)
    expect((await service.get('factors/6')).status).to.equal(200)
  })

  it('tells Prometheus of its requests, its pool and its channels, and counts on when a worker is replaced', async () => {
    const service = await start(['--workers', '1'])
    for (let count = 0; count < 3; count++) await service.get('factors/6')
    process.kill((await service.health()).workers[0]!, 'SIGKILL')
    await service.logged('worker ended')
    for (let count = 0; count < 2; count++) await service.get('factors/6')
    const metrics = await metricsOf(service)
    for (const [name, value] of Object.entries({
      pool_workers: 1,
      pool_running_jobs: 0,
      pool_queued_jobs: 0,
      pool_jobs_done_total: 5,
      pool_jobs_failed_total: 0,
      pool_workers_died_total: 1,
      'http_request_duration_seconds_count{route="/factors/:number",status="200"}': 5,
    })) {
      expect(metrics.get(name), name).to.equal(value)
    }
    for (const direction of ['send', 'receive']) {
      const [messages, bytes, packets] = ['messages', 'bytes', 'packets'].map((what) => {
        return metrics.get(`wormhole_${what}_total{direction="${direction}"}`)!
      })
      expect(messages).to.be.at.least(5)
      expect(packets).to.be.within(5, messages!)
      expect(bytes).to.be.above(messages!)
    }
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
