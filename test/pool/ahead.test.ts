import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { ReceiveEvent } from 'wormhole-ipc'
import type { Pool } from 'wormhole-ipc/pool'
import type { Input } from '../fixtures/pool-trace.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { closesPools } from '../helpers/pools.js'
import { usesChildren } from '../helpers/uses-children.js'

const MODULE = new URL('../fixtures/pool-trace.js', import.meta.url)

describe('jobs that a pool hands to a process before their turn', function () {
  this.timeout(120_000)
  usesChildren()
  leavesNoDescriptors()
  const open = closesPools()
  let to = ''
  beforeEach(() => {
    to = mkdtempSync(join(tmpdir(), 'wormhole-pool-'))
  })
  afterEach(() => rmSync(to, { recursive: true, force: true }))

  const run = (jobs: Pool<unknown, unknown>, id: number, what?: Input['do'], options = {}) =>
    jobs.run({ to, id, ...(what === undefined ? {} : { do: what }) } satisfies Input, options)

  /** What the jobs have noted: which began or ended, in their order. */
  function log(): [what: string, id: number][] {
    try {
      const lines = readFileSync(join(to, 'log'), 'utf8').trim().split('\n')
      return lines.map((line) => [line.slice(0, 5), Number(line.slice(6))])
    } catch {
      return []
    }
  }

  function noted(wanted: 'began' | 'ended'): number[] {
    return log().flatMap(([what, id]) => (what === wanted ? [id] : []))
  }

  async function begun(id: number): Promise<void> {
    while (!noted('began').includes(id)) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  /** Short jobs, many under way, until the pool knows that its processes are quick; then these, in one go. */
  async function behindShortOnes<T>(jobs: Pool<unknown, unknown>, then: () => T): Promise<T> {
    await Promise.all(Array.from({ length: 200 }, () => run(jobs, -1)))
    return then()
  }

  /** Those that are not the short ones before. */
  const sorted = (ids: number[]) => ids.filter((id) => id >= 0).sort((a, b) => a - b)
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n)

  it('run one after the other where one may run at a time, each once', async () => {
    const jobs = open({}, MODULE)
    const all = await behindShortOnes(jobs, () => range(0, 300).map((id) => run(jobs, id, 'turn')))
    expect(await Promise.all(all)).to.deep.equal(range(0, 300))
    const lines = log()
    for (const [at, [what, id]] of lines.entries()) {
      expect([what, id]).to.deep.equal(at % 2 === 0 ? ['began', id] : ['ended', lines[at - 1]?.[1]])
    }
    expect(sorted(noted('ended'))).to.deep.equal(range(0, 300))
  })

  it('have their answers read many at once', async () => {
    const jobs = open({}, MODULE)
    await jobs.ready()
    const reads: number[] = []
    const listen = (event: unknown) => reads.push((event as ReceiveEvent).messages)
    subscribe('wormhole-ipc:receive', listen)
    try {
      // How many are there when ours reads depends on who runs when.
      for (let tries = 0; tries < 1000 && Math.max(0, ...reads) < 2; tries++) {
        reads.length = 0
        await Promise.all(range(0, 100).map((id) => run(jobs, id)))
      }
    } finally {
      unsubscribe('wormhole-ipc:receive', listen)
    }
    expect(Math.max(...reads)).to.be.above(1)
  })

  it('go to another process where the one that has them is held up', async () => {
    const jobs = open({ size: 2 }, MODULE)
    await jobs.ready()
    const others = await behindShortOnes(jobs, () => {
      const blocking = run(jobs, 1, 'block')
      return { blocking, done: Promise.all(range(2, 100).map((id) => run(jobs, id))) }
    })
    // While the first holds its process, which could not even be asked for them.
    expect(await others.done).to.deep.equal(range(2, 100))
    await begun(1)
    expect(noted('ended')).to.not.include(1)
    writeFileSync(join(to, 'go'), '')
    expect(await others.blocking).to.equal(1)
  })

  it('wait for their turn where all processes are held up, and time for them begins then', async () => {
    const jobs = open({ size: 2, timeout: 60_000 }, MODULE)
    await jobs.ready()
    const all = await behindShortOnes(jobs, () =>
      [1, 2].map((id) => run(jobs, id, 'block')).concat(range(3, 50).map((id) => run(jobs, id)))
    )
    expect(jobs.stats()).to.include({ running: 2, waiting: 47 })
    writeFileSync(join(to, 'go'), '')
    expect(await Promise.all(all)).to.deep.equal(range(1, 50))
  })

  it('never run once they are aborted, though their process has them', async () => {
    const jobs = open({ grace: 60_000 }, MODULE)
    const aborting = new AbortController()
    const all = await behindShortOnes(jobs, () =>
      range(0, 100).map((id) =>
        run(jobs, id, id === 0 ? 'block' : undefined, id % 2 === 1 ? { signal: aborting.signal } : {})
      )
    )
    // They are in the process's channel by now, and not yet taken back as the first is slow.
    await new Promise((resolve) => setImmediate(resolve))
    const reason = new Error('enough')
    aborting.abort(reason)
    const odd = await Promise.allSettled(all.filter((_, id) => id % 2 === 1))
    for (const outcome of odd) expect(outcome).to.deep.equal({ status: 'rejected', reason })
    writeFileSync(join(to, 'go'), '')
    await Promise.all(all.filter((_, id) => id % 2 === 0))
    expect(noted('began').filter((id) => id % 2 === 1)).to.deep.equal([])
  })

  it('are no concern of one that kills its process: they run elsewhere, once, without a try used up', async () => {
    const jobs = open({ retries: 0 }, MODULE)
    const all = await behindShortOnes(jobs, () =>
      range(0, 200).map((id) => run(jobs, id, id % 50 === 25 ? 'kill' : undefined))
    )
    const outcomes = await Promise.allSettled(all)
    for (const [id, outcome] of outcomes.entries()) {
      if (id % 50 !== 25) expect(outcome).to.deep.equal({ status: 'fulfilled', value: id })
      else expect(outcome).to.have.nested.property('reason.code', 'ERR_WORMHOLE_CHILD_EXITED')
    }
    expect(sorted(noted('began'))).to.deep.equal(range(0, 200))
    expect(jobs.stats()).to.include({ died: 4, retried: 0 })
  })

  it('reject as waiting ones where the pool is closed, and what is under way finishes', async () => {
    const jobs = open({ grace: 60_000 }, MODULE)
    const all = await behindShortOnes(jobs, () =>
      range(0, 40).map((id) => run(jobs, id, id === 0 ? 'block' : undefined))
    )
    await begun(0)
    const closing = jobs.close()
    for (const job of all.slice(1)) await rejectsCode(job, 'ERR_WORMHOLE_CLOSED')
    writeFileSync(join(to, 'go'), '')
    expect(await all[0]).to.equal(0)
    await closing
    expect(noted('began').filter((id) => id >= 0)).to.deep.equal([0])
  })

  it('may be longer than a channel holds, or than a packet', async () => {
    const jobs = open({ size: 2 })
    const lengths = range(0, 300).map((n) => (n % 60 === 0 ? 1_000_000 : n % 3 === 0 ? 20_000 : 10))
    await Promise.all(range(0, 100).map((n) => jobs.run({ do: 'double', n })))
    const outputs = await Promise.all(
      lengths.map((length, n) => jobs.run({ do: 'double', n, text: 'x'.repeat(length) }))
    )
    expect(outputs).to.deep.equal(lengths.map((_, n) => 2 * n))
  })
})
