import { once } from 'node:events'
import { expect } from 'chai'
import { MAX_TRIES, Pool, type PoolOptions } from '../examples/service/pool.js'
import { PoolError } from '../examples/service/pool-error.js'
import { leavesNoDescriptors } from './helpers/descriptors.js'
import { usesChildren } from './helpers/uses-children.js'

const WORKER = new URL('../examples/service/worker.js', import.meta.url)
const ODD_WORKER = new URL('fixtures/odd-worker.js', import.meta.url)

describe("the service example's pool", () => {
  usesChildren()
  leavesNoDescriptors()
  const pools: Pool[] = []
  let ids = 0

  afterEach(async () => {
    for (const pool of pools.splice(0)) {
      pool.kill()
      await pool.close()
    }
  })

  async function start(options: Partial<PoolOptions> = {}): Promise<Pool> {
    const pool = new Pool({ program: WORKER, workers: 1, queue: 10, ...options })
    pools.push(pool)
    await pool.start()
    return pool
  }

  const run = (pool: Pool, number: number, { signal } = new AbortController()) =>
    pool.run({ id: `job-${++ids}`, number }, signal)

  /** What a job is rejected with. */
  const failureOf = (result: Promise<unknown>): Promise<unknown> =>
    result.then(
      (value) => expect.fail(`resolved to ${value}`),
      (error: unknown) => error
    )

  async function expectCode(result: Promise<unknown>, code: string): Promise<PoolError> {
    const error = await failureOf(result)
    expect(error).to.be.instanceOf(PoolError).and.to.include({ code })
    return error as PoolError
  }

  /** Has its one worker stop where it is. */
  function freeze(pool: Pool): number {
    const pid = pool.workers[0]!.pid!
    process.kill(pid, 'SIGSTOP')
    return pid
  }

  it('gives each job its own result, in whatever order they finish', async () => {
    const pool = await start({ workers: 2, queue: 100 })
    const numbers = Array.from({ length: 50 }, (_, index) => index + 2)
    const results = await Promise.all(numbers.map((number) => run(pool, number)))
    expect(results.map((factors) => factors.reduce((product, factor) => product * factor, 1))).to.deep.equal(numbers)
  })

  it('fails a job that fails, and goes on with the same worker', async () => {
    const pool = await start()
    const [worker] = pool.workers
    expect((await expectCode(run(pool, 1.5), 'FAILED')).message).to.equal('RangeError: 1.5 has no prime factors')
    expect(await run(pool, 6)).to.deep.equal([2, 3])
    expect(pool.workers).to.deep.equal([worker])
  })

  for (const [what, number] of [
    ['kills its worker', 13],
    ['makes its worker answer for another', 17],
  ] as const) {
    it(`gives up a job that ${what} each time, and does the others`, async () => {
      const pool = await start({ program: ODD_WORKER })
      let ended = 0
      let retried = 0
      pool.on('ended', () => ended++)
      pool.on('retried', () => retried++)
      const [, after] = await Promise.all([expectCode(run(pool, number), 'LOST'), run(pool, 7)])
      expect(after).to.deep.equal([7])
      expect({ ended, retried }).to.deep.equal({ ended: MAX_TRIES, retried: MAX_TRIES - 1 })
    })
  }

  it('takes no more jobs than may wait', async () => {
    const pool = await start({ queue: 2 })
    const pid = freeze(pool)
    const results = [6, 10, 14].map((number) => run(pool, number))
    await expectCode(run(pool, 15), 'FULL')
    process.kill(pid, 'SIGCONT')
    expect(await Promise.all(results)).to.deep.equal([
      [2, 3],
      [2, 5],
      [2, 7],
    ])
  })

  it("rejects with the signal's reason, and ends a worker that has begun", async () => {
    const pool = await start()
    const pid = freeze(pool)
    const controllers = [new AbortController(), new AbortController()]
    const failures = controllers.map((controller) => failureOf(run(pool, 6, controller)))
    const ended = once(pool, 'ended')
    for (const [index, controller] of controllers.entries()) controller.abort(index)
    expect(await Promise.all(failures)).to.deep.equal([0, 1])
    expect(pool.queued).to.equal(0)
    const [worker, how] = await ended
    expect([worker.pid, how]).to.deep.equal([pid, 'SIGKILL'])
    expect(await run(pool, 6)).to.deep.equal([2, 3])
    expect(await failureOf(pool.run({ id: 'late', number: 6 }, AbortSignal.abort('early')))).to.equal('early')
  })

  it('finishes what is in hand when it is closed, and rejects what waits', async () => {
    const pool = await start()
    const pid = freeze(pool)
    const [begun, waiting] = [run(pool, 6), expectCode(run(pool, 6), 'CLOSED')]
    const closed = pool.close()
    await waiting
    process.kill(pid, 'SIGCONT')
    expect(await begun).to.deep.equal([2, 3])
    await closed
    expect(pool.workers).to.deep.equal([])
    await expectCode(run(pool, 6), 'CLOSED')
  })

  it('rejects what is in hand when it is killed', async () => {
    const pool = await start()
    freeze(pool)
    const begun = expectCode(run(pool, 6), 'CLOSED')
    pool.kill()
    await begun
  })

  it('goes on trying when a worker cannot be replaced at first', async () => {
    const pool = await start({ program: ODD_WORKER })
    const ends: string[] = []
    pool.on('ended', (_worker, how) => ends.push(how))
    process.env.ODD_WORKER_EXITS = 'yes'
    try {
      process.kill(pool.workers[0]!.pid!, 'SIGKILL')
      while (ends.length < 3) await once(pool, 'ended')
    } finally {
      delete process.env.ODD_WORKER_EXITS
    }
    expect(ends).to.deep.equal(['SIGKILL', 'exit code 7', 'exit code 7'])
    expect(await run(pool, 6)).to.deep.equal([6])
  })

  it('does not start when its workers cannot be, and leaves nothing behind', async () => {
    const pool = new Pool({ program: new URL('http://127.0.0.1/worker.js'), workers: 2, queue: 1 })
    expect(await failureOf(pool.start())).to.include({ code: 'ERR_INVALID_URL_SCHEME' })
    expect(pool.workers).to.deep.equal([])
  })
})
