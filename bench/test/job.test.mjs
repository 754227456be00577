import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { findPeers } from '../find-peers.mjs'
import { runJob } from '../job.mjs'

const reason = (promise) =>
  promise.then(
    () => 'none',
    (error) => error.message
  )

const runner = fileURLToPath(new URL('../runner.mjs', import.meta.url))
const childrenOf = (pid) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean)

/** Asks until it holds; what /proc tells has no event. */
async function until(holds) {
  while (!holds()) await delay(10)
}

describe('a measurement in a process of its own', () => {
  it('tells in one line why it failed', async () => {
    expect(await reason(runJob({ peer: 'pigeon', measure: 'stream' }))).to.match(/Cannot find module .*pigeon\.mjs/)
    const unable = { peer: 'ndjson', measure: 'sync', role: 'echo', bytes: 45, seconds: 0.01 }
    expect(await reason(runJob(unable))).to.match(/^TypeError: link\.sendSync is not a function$/)
  })

  it('measures the codec alone', async () => {
    const sample = await runJob({ limit: 'codec', bytes: 45, seconds: 0.01 })
    expect(sample.value).to.equal(Math.min(sample.stringify, sample.parse)).and.to.be.greaterThan(0)
  })

  it('takes the median and the tails of round trips, pinned to one core', async () => {
    const job = { peer: 'wormhole-ipc', measure: 'roundtrip', role: 'echo', cores: [0], bytes: 45, seconds: 0.02 }
    const { value, p99, p999 } = await runJob(job)
    expect(value).to.be.greaterThan(0)
    expect(p99).to.be.at.least(value)
    expect(p999).to.be.at.least(p99)
  })

  const echo = { peer: 'wormhole-ipc', role: 'echo', bytes: 45, seconds: 0.02 }
  for (const { title, job, count } of [
    { title: 'the first trips of a dialogue', job: { measure: 'dialogue', count: 50 }, count: 50 },
    { title: 'trips at a rate', job: { measure: 'paced', perSecond: 200 }, count: 200 },
    { title: 'the first sends of a process', job: { measure: 'first-sends', role: 'sink', count: 500 }, count: 500 },
  ]) {
    it(`takes ${title}, with the processor time of both sides`, async () => {
      const sample = await runJob({ ...echo, ...job })
      expect(sample.count).to.equal(count)
      expect(sample.value).to.be.greaterThan(0)
      expect(sample.cpu).to.be.greaterThan(0)
      if (sample.mean !== undefined) expect(sample.p999).to.be.at.least(sample.p99).and.to.be.at.least(sample.value)
    })
  }

  it('does not hurry where a rate is given: nothing is sent before it is due', async () => {
    const begin = performance.now()
    await runJob({ ...echo, measure: 'paced', perSecond: 25 })
    expect(performance.now() - begin).to.be.at.least((29 * 1000) / 25)
  })

  it('says how many messages a packet held, not counting its own', async () => {
    const job = { peer: 'wormhole-ipc-single', measure: 'stream', role: 'sink', bytes: 45, seconds: 0.01 }
    expect(await runJob(job)).to.include({ packetMessages: 1, packetBytes: 45 })
  })
})

describe('a measurement that is killed', () => {
  const stream = { measure: 'stream', role: 'sink', bytes: 45, workers: 1 }
  const calls = { measure: 'tasks', role: 'serve', needs: 'calls', workers: 1, underWay: 4 }
  const pool = { measure: 'tasks', needs: 'pool', workers: 2, underWay: 4 }
  const kinds = [
    { name: 'child', peers: ['wormhole-ipc', 'child_process-json', 'ndjson'], job: stream },
    { name: 'callee', peers: ['wormhole-ipc', 'birpc', 'comlink'], job: calls },
    { name: 'worker', peers: ['wormhole-ipc', 'jest-worker', 'tinypool', 'workerpool'], job: pool },
  ]
  for (const { name, peers, job } of kinds) {
    for (const peer of peers) {
      it(`leaves no ${name} of ${peer} behind`, async function () {
        if ((await findPeers([peer])).drivers.size === 0) this.skip()
        const args = [runner, JSON.stringify({ peer, ...job, seconds: 600 })]
        const measuring = spawn(process.execPath, args, { stdio: 'ignore' })
        await until(() => childrenOf(measuring.pid).length === job.workers)
        const children = childrenOf(measuring.pid)
        measuring.kill('SIGKILL')
        await until(() => !children.some((child) => existsSync(`/proc/${child}`)))
      })
    }
  }
})

describe('the search for peers', () => {
  it('leaves out one that cannot be loaded, with the reason', async () => {
    const { drivers, skipped } = await findPeers(['ndjson', 'pigeon'])
    expect([...drivers.keys()]).to.deep.equal(['ndjson'])
    expect(skipped).to.have.lengthOf(1)
    expect(skipped[0]).to.include({ peer: 'pigeon' })
    expect(skipped[0].reason).to.match(/Cannot find module/)
  })
})
