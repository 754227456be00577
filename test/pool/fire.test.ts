import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { WormholeError } from 'wormhole-ipc'
import type { PoolAborts } from '../fixtures/pool-aborts.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { MAX_MS, SEED, sized } from '../helpers/long.js'
import { measured, startMeasuring } from '../helpers/measured.js'
import { closesPools, isChild } from '../helpers/pools.js'
import { Random } from '../helpers/random.js'
import { usesChildren } from '../helpers/uses-children.js'

const TRACE = new URL('../fixtures/pool-trace.js', import.meta.url)
const KILL_EVERY_MS = 100
const MIN_KILLS = sized(3, 5)
/** Each takes as long as a process takes to start. */
const MAX_KILLS = sized(4, Number.POSITIVE_INFINITY)
const UNDER_WAY = 100
/** What a job that is kept, with its promise, has at least. */
const MIN_LEAK_BYTES = 64

describe('a pool under fire', function () {
  this.timeout(MAX_MS)
  usesChildren()
  leavesNoDescriptors()
  const open = closesPools()

  it('settles every job once while its processes are killed, one by one, at any moment', async () => {
    const total = sized(800, 100_000)
    const to = mkdtempSync(join(tmpdir(), 'wormhole-pool-'))
    const jobs = open({ size: 4, retries: 3 }, TRACE)
    const random = new Random(SEED)
    const pids = new Set<number>()
    let kills = 0
    const killing = setInterval(() => {
      for (const pid of pids) if (!isChild(pid)) pids.delete(pid)
      const alive = [...pids]
      if (alive.length === 0 || jobs.stats().running === 0 || kills >= MAX_KILLS) return
      process.kill(random.pick(alive), 'SIGKILL')
      kills++
    }, KILL_EVERY_MS)
    const settled = new Map<number, 'done' | 'failed'>()
    let next = 0
    const lane = async () => {
      while (next < total || kills < MIN_KILLS) {
        const id = next++
        const outcome = await jobs.run({ to, id, do: 'pid' }).then(
          (pid) => {
            pids.add(pid as number)
            return 'done' as const
          },
          (error: WormholeError) => {
            expect(error.code).to.equal('ERR_WORMHOLE_CHILD_EXITED')
            return 'failed' as const
          }
        )
        expect(settled.has(id)).to.equal(false)
        settled.set(id, outcome)
      }
    }
    try {
      await Promise.all(Array.from({ length: UNDER_WAY }, lane))
    } finally {
      clearInterval(killing)
    }
    const { done, failed, retried, died, running, waiting } = jobs.stats()
    await jobs.close()
    expect([settled.size, done + failed, running, waiting]).to.deep.equal([next, next, 0, 0])
    expect(died).to.be.within(1, kills)
    for (const pid of pids) expect(isChild(pid)).to.equal(false)

    const log = readFileSync(join(to, 'log'), 'utf8').trim().split('\n')
    rmSync(to, { recursive: true })
    const ended = log.filter((line) => line.startsWith('ended'))
    // Each line says the process too: a job ended in one twice would be of one try.
    expect(new Set(ended).size).to.equal(ended.length)
    const ids = new Map<string, number>()
    for (const line of ended) ids.set(line.split(' ')[1] as string, (ids.get(line.split(' ')[1] as string) ?? 0) + 1)
    for (const [id, outcome] of settled) if (outcome === 'done') expect(ids.get(String(id))).to.be.at.least(1)
    expect(ended.length - ids.size).to.be.at.most(retried)
    console.log(
      `      ${next} jobs, ${kills} kills: ${done} done, ${failed} failed, ${retried} tried again, ${ended.length - ids.size} ran twice`
    )
  })

  it('keeps nothing of jobs that are done or aborted', async () => {
    const [rounds, each] = [sized(5, 10), sized(1500, 100_000)]
    const found = await measured<PoolAborts>(startMeasuring('pool-aborts', [rounds, each].map(String)))
    const kib = found.heapBytes.map((bytes) => Math.round(bytes / 1024))
    console.log(`      KiB of heap after each round of ${each} jobs: ${kib.join(' ')}; ${JSON.stringify(found.ended)}`)
    const { done = 0, AbortError = 0, ...others } = found.ended
    expect([done + AbortError, others]).to.deep.equal([rounds * each, {}])
    expect(AbortError).to.be.at.least((rounds * each) / 30)
    expect([found.warnings, found.mostListeners, found.listenersLeft]).to.deep.equal([[], 1, 0])
    const [first = 0, ...later] = found.heapBytes.slice(3)
    expect(Math.min(...later) - first, 'growth').to.be.below(MIN_LEAK_BYTES * each)
  })
})
