import { expect } from 'chai'
import type { WormholeError } from 'wormhole-ipc'
import { pool } from 'wormhole-ipc/pool'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode, throwsCode } from '../helpers/expect-error.js'
import { LONG } from '../helpers/long.js'
import { closesPools, isAlive, isChild, javascript } from '../helpers/pools.js'
import { usesChildren } from '../helpers/uses-children.js'

describe('a pool', function () {
  this.timeout(60_000)
  usesChildren()
  leavesNoDescriptors()
  const open = closesPools()

  it('runs jobs in its processes, which serve job after job', async () => {
    const jobs = open({ size: 2 })
    await jobs.ready()
    expect(jobs.stats().processes).to.equal(2)
    const outputs = await Promise.all(Array.from({ length: 50 }, (_, n) => jobs.run({ do: 'double', n })))
    expect(outputs).to.deep.equal(outputs.map((_, n) => 2 * n))
    const pids = await Promise.all(Array.from({ length: 20 }, () => jobs.run({ do: 'pid' })))
    expect(new Set(pids).size).to.be.at.most(2)
    expect(jobs.stats()).to.deep.include({ running: 0, waiting: 0, done: 70, failed: 0, died: 0 })
    await jobs.close()
    for (const pid of pids) expect(isAlive(pid as number)).to.equal(false)
    await rejectsCode(jobs.run(1), 'ERR_WORMHOLE_CLOSED')
    await rejectsCode(jobs.ready(), 'ERR_WORMHOLE_CLOSED')
  })

  it("finds a module beside its caller's file", async () => {
    const jobs = pool<unknown, number>('../fixtures/pool-job.js', { size: 1 })
    expect(await jobs.run({ do: 'double', n: 4 })).to.equal(8)
    await jobs.close()
  })

  it('maps in order, with no more under way than fits, and stops where the loop is left', async () => {
    const jobs = open({ size: 2, concurrency: 2 })
    let asked = 0
    async function* inputs() {
      for (let n = 0; n < 1000; n++) {
        asked++
        yield { do: 'late', n }
      }
    }
    const seen: unknown[] = []
    for await (const n of jobs.map(inputs())) {
      seen.push(n)
      expect(asked - seen.length).to.be.at.most(4)
      if (seen.length === 20) break
    }
    expect(seen).to.deep.equal(Array.from({ length: 20 }, (_, n) => n))
    expect(await jobs.run({ do: 'double', n: 1 })).to.equal(2)
  })

  it('rejects with what the function threw, and goes on', async () => {
    const jobs = open()
    const error = await rejectsCode(jobs.run({ do: 'throw' }), 'ERR_WORMHOLE_CALL_THREW')
    expect((error as { cause?: unknown }).cause).to.include({
      name: 'RangeError',
      message: 'of the job',
      code: 'E_JOB',
    })
    for (const what of ['function', 'big']) await rejectsCode(jobs.run({ do: what }), 'ERR_WORMHOLE_UNSERIALIZABLE')
    for (const input of [1n, () => 1]) await rejectsCode(jobs.run(input), 'ERR_WORMHOLE_UNSERIALIZABLE')
    const seen: number[] = []
    expect(await jobs.run({ do: 'steps' }, { onProgress: (n: number) => seen.push(n) })).to.equal('done')
    expect(seen).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(jobs.stats()).to.deep.include({ done: 1, failed: 4 })
  })

  it('rejects with how its process died, and replaces it', async () => {
    const jobs = open()
    const exited = (await rejectsCode(
      jobs.run({ do: 'exit', code: 3 }),
      'ERR_WORMHOLE_CHILD_EXITED'
    )) as WormholeError & {
      stderr: string
      exitCode: number
    }
    expect([exited.exitCode, exited.stderr]).to.deep.equal([3, 'last words\n'])
    const killed = await rejectsCode(jobs.run({ do: 'kill' }), 'ERR_WORMHOLE_CHILD_EXITED')
    expect(killed).to.include({ signal: 'SIGKILL', exitCode: null })
    expect(await jobs.run({ do: 'double', n: 1 })).to.equal(2)
    expect(jobs.stats().died).to.equal(2)
  })

  it('tries a job again whose process died, as often as it may', async () => {
    const jobs = open({ retries: 2 })
    await rejectsCode(jobs.run({ do: 'kill' }), 'ERR_WORMHOLE_CHILD_EXITED')
    expect(jobs.stats()).to.deep.include({ retried: 2, died: 3 })
  })

  it('has a clear error for a module that cannot be used, and is closed as ever', async () => {
    const modules: [string, string][] = [
      [new URL('./no-such-module.js', import.meta.url).href, 'ERR_WORMHOLE_CALL_THREW'],
      [javascript('export default 1'), 'ERR_WORMHOLE_CALL_THREW'],
      [javascript('throw new Error("at import")'), 'ERR_WORMHOLE_CALL_THREW'],
      [javascript('console.error("so long"); process.exit(4)'), 'ERR_WORMHOLE_CHILD_EXITED'],
    ]
    for (const [module, code] of modules) {
      const jobs = open({}, module)
      await rejectsCode(jobs.ready(), code as WormholeError['code'])
      await rejectsCode(jobs.run(1), code as WormholeError['code'])
      await jobs.close()
    }
  })

  it('refuses what is no module, and says so', () => {
    for (const module of [undefined, null, 5, '', () => 1, {}, 'https://example.org/x.js', new URL('blob:x')]) {
      const { message } = throwsCode(() => pool(module as string), 'ERR_WORMHOLE_ARGUMENT')
      expect(message).to.match(/^pool (?:takes|cannot run)/)
    }
  })

  it('rejects with the reason of an abort, of whatever kind, and goes on', async () => {
    const jobs = open({ grace: 60_000 })
    const throws = {
      get name() {
        throw new Error('looked at')
      },
    }
    for (const reason of ['text', Symbol('s'), Object.create(null), { message: Symbol('s') }, throws, 5n]) {
      const aborting = new AbortController()
      const job = jobs.run({ do: 'wait' }, { signal: aborting.signal })
      aborting.abort(reason)
      expect(await job.catch((error: unknown) => error)).to.equal(reason)
    }
    expect(await jobs.run({ do: 'double', n: 4 })).to.equal(8)
  })

  it('ends a job by its signal or timeout, and kills a process that goes on', async () => {
    const jobs = open({ grace: 50 })
    const pid = await jobs.run({ do: 'pid' })
    await rejectsCode(jobs.run({ do: 'wait' }, { timeout: 20 }), 'ERR_WORMHOLE_TIMEOUT')
    expect(await jobs.run({ do: 'pid' }), 'it heeded its abort').to.equal(pid)
    for (const what of ['block', 'ignore']) {
      const reason = new Error(what)
      const aborting = new AbortController()
      const job = jobs.run({ do: what }, { signal: aborting.signal })
      aborting.abort(reason)
      expect(await job.catch((error: unknown) => error)).to.equal(reason)
      await rejectsCode(jobs.run({ do: what }, { timeout: 20 }), 'ERR_WORMHOLE_TIMEOUT')
    }
    expect(await jobs.run({ do: 'pid' })).to.not.equal(pid)
  })

  it('refuses jobs beyond its queue', async () => {
    const jobs = open({ queue: 2, grace: 0 })
    const under = [1, 2, 3].map(() => jobs.run({ do: 'ignore' }).catch((error: WormholeError) => error.code))
    await rejectsCode(jobs.run({ do: 'pid' }), 'ERR_WORMHOLE_BUSY')
    await jobs.close()
    expect(await Promise.all(under)).to.deep.equal(under.map(() => 'ERR_WORMHOLE_CLOSED'))
  })

  it('replaces a process after so many jobs, and ends one that is idle', async () => {
    const jobs = open({ recycle: 2, idle: 10 })
    const pids: unknown[] = []
    for (let n = 0; n < 6; n++) pids.push(await jobs.run({ do: 'pid' }))
    expect(new Set(pids).size).to.be.at.least(3)
    while (jobs.stats().processes > 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(await jobs.run({ do: 'double', n: 2 })).to.equal(4)
    expect(jobs.stats().died).to.equal(0)
  })

  it('lets what is under way finish when it is closed', async () => {
    // On a busy machine, a process takes longer to start than the grace is by default.
    const jobs = open({ grace: 60_000 })
    const last = jobs.run({ do: 'late', n: 7 })
    const closing = jobs.close()
    expect(await last).to.equal(7)
    await closing
    expect(jobs.stats().processes).to.equal(0)
  })

  it('refuses bad options', () => {
    const bad: object[] = [
      { size: 0 },
      { concurrency: 1.5 },
      { queue: -1 },
      { retries: '1' },
      { timeout: -1 },
      { grace: NaN },
    ]
    for (const options of bad) expect(() => pool('./x.js', options), JSON.stringify(options)).to.throw(/must be/)
  })

  it('settles every job once while its processes are killed, and leaves none', async function () {
    this.timeout(LONG ? 1_800_000 : 120_000)
    const total = LONG ? 100_000 : 600
    const jobs = open({ size: 4, concurrency: 4, retries: 3, queue: total })
    await jobs.ready()
    const pids = new Set<number>()
    let settled = 0
    let kills = 0
    const outcomes: Promise<unknown>[] = []
    for (let n = 0; n < total; n++) {
      const job = jobs.run(n % 10 === 0 ? { do: 'pid' } : { do: 'double', n }).then(
        (output) => {
          if (n % 10 === 0) pids.add(output as number)
          else expect(output).to.equal(2 * n)
        },
        (error: WormholeError) => expect(error.code).to.equal('ERR_WORMHOLE_CHILD_EXITED')
      )
      outcomes.push(
        job.finally(() => {
          settled++
          // By count, so that it does not hang on the machine's speed.
          if (settled % 200 !== 0) return
          const victim = [...pids].filter(isChild).at(kills % 2 === 0 ? 0 : -1)
          if (victim !== undefined) {
            process.kill(victim, 'SIGKILL')
            kills++
          }
        })
      )
    }
    await Promise.all(outcomes)
    expect(settled).to.equal(total)
    expect(kills).to.be.above(0)
    const { done, failed, died } = jobs.stats()
    expect(done + failed).to.equal(total)
    expect(died).to.be.at.least(1)
    await jobs.close()
    for (const pid of pids) expect(isAlive(pid)).to.equal(false)
  })
})
