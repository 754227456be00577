import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { expect } from 'chai'
import type { SendEvent } from 'wormhole-ipc'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { closesPools } from '../helpers/pools.js'
import { usesChildren } from '../helpers/uses-children.js'

const CONCURRENCY = 20

describe('a pool whose processes run several jobs at the same time', function () {
  this.timeout(120_000)
  usesChildren()
  leavesNoDescriptors()
  const open = closesPools()
  const range = (to: number) => Array.from({ length: to }, (_, n) => n)

  it('gives jobs of one tick in one packet', async () => {
    const jobs = open({ concurrency: CONCURRENCY })
    await jobs.ready()
    const packets: number[] = []
    const listen = (event: unknown) => packets.push((event as SendEvent).messages)
    subscribe('wormhole-ipc:send', listen)
    try {
      const outputs = await Promise.all(range(CONCURRENCY).map((n) => jobs.run({ do: 'double', n })))
      expect(outputs).to.deep.equal(range(CONCURRENCY).map((n) => 2 * n))
    } finally {
      unsubscribe('wormhole-ipc:send', listen)
    }
    expect(Math.max(...packets)).to.be.above(1)
    expect(packets.reduce((sum, messages) => sum + messages, 0)).to.equal(CONCURRENCY)
  })

  it('runs each once, whatever their length, more of them than fit', async () => {
    const jobs = open({ size: 2, concurrency: CONCURRENCY })
    const lengths = range(400).map((n) => (n % 60 === 0 ? 1_000_000 : n % 3 === 0 ? 20_000 : 10))
    const outputs = await Promise.all(
      lengths.map((length, n) => jobs.run({ do: n % 7 === 0 ? 'late' : 'double', n, text: 'x'.repeat(length) }))
    )
    expect(outputs).to.deep.equal(lengths.map((_, n) => (n % 7 === 0 ? n : 2 * n)))
    expect(jobs.stats()).to.include({ done: 400, failed: 0, running: 0, waiting: 0 })
  })

  it('loses no more than those that a process had begun when it died', async () => {
    const jobs = open({ concurrency: CONCURRENCY })
    await jobs.ready()
    const lost = Promise.allSettled(range(CONCURRENCY).map((n) => jobs.run({ do: n === 0 ? 'kill' : 'wait' })))
    const waiting = range(CONCURRENCY).map((n) => jobs.run({ do: 'double', n }))
    for (const outcome of await lost)
      expect(outcome).to.have.nested.property('reason.code', 'ERR_WORMHOLE_CHILD_EXITED')
    expect(await Promise.all(waiting)).to.deep.equal(range(CONCURRENCY).map((n) => 2 * n))
  })

  it('tries those again that it may, and drops those that are aborted', async () => {
    const jobs = open({ concurrency: CONCURRENCY, retries: 1 })
    const aborting = new AbortController()
    const { signal } = aborting
    await jobs.ready()
    const odd = range(CONCURRENCY).map((n) => jobs.run({ do: 'wait' }, n % 2 === 1 ? { signal } : {}))
    aborting.abort(new Error('enough'))
    for (const [n, job] of odd.entries())
      if (n % 2 === 1) expect(await job.catch((error) => error.message)).to.equal('enough')
    const kept = Promise.allSettled(odd.filter((_, n) => n % 2 === 0))
    await rejectsCode(jobs.run({ do: 'kill' }), 'ERR_WORMHOLE_CHILD_EXITED')
    for (const outcome of await kept)
      expect(outcome).to.have.nested.property('reason.code', 'ERR_WORMHOLE_CHILD_EXITED')
    expect(jobs.stats().retried).to.equal(CONCURRENCY / 2 + 1)
  })

  it('fails alone what has no text', async () => {
    const jobs = open({ concurrency: CONCURRENCY })
    const inputs = range(7).map((n) => (n === 6 ? 1n : n % 2 === 1 ? { do: 'big' } : { do: 'double', n }))
    const outcomes = await Promise.allSettled(inputs.map((input) => jobs.run(input)))
    for (const [n, outcome] of outcomes.entries()) {
      if (n < 6 && n % 2 === 0) expect(outcome).to.deep.equal({ status: 'fulfilled', value: 2 * n })
      else expect(outcome).to.have.nested.property('reason.code', 'ERR_WORMHOLE_UNSERIALIZABLE')
    }
  })
})
