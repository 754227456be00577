import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { cpuSeconds } from '../measures/cpu.mjs'
import { measure } from '../measures/tasks.mjs'
import { measure as measureInTurn } from '../measures/tasks-in-turn.mjs'
import { runTask, startWorkers } from '../measures/workers.mjs'
import { loadDriver, peerNames } from '../peers/load.mjs'
import { stopChildren } from '../peers/shared/children.mjs'
import { taskOf, work } from '../tasks.mjs'
import { workloads } from '../workloads.mjs'
import { skipUnavailable } from './helpers/skip-unavailable.mjs'

const CHILD = fileURLToPath(new URL('../child.mjs', import.meta.url))
const TASKS = 500
const BURN_SECONDS = 0.2

/** A workload as the runner hands it over, for a moment. */
function jobOf(peer, needs, underWay) {
  const job = { ...workloads.find((workload) => workload.needs === needs && workload.underWay === underWay), peer }
  return { ...job, seconds: 0.001, argv: [CHILD, JSON.stringify(job)] }
}

describe('the tasks of calls and pools', () => {
  it('are as long as each other, and each has an answer of its own', () => {
    const tasks = Array.from({ length: TASKS }, (_, number) => taskOf(number))
    expect(new Set(tasks.map((task) => JSON.stringify(task).length))).to.deep.equal(new Set([300]))
    expect(new Set(tasks.map(work)).size).to.equal(TASKS)
  })
})

for (const peer of peerNames()) {
  const driver = await loadDriver(peer)

  for (const needs of /** @type {const} */ (['calls', 'pool'])) {
    if (!driver.does.includes(needs)) continue
    describe(`the ${needs} of ${peer}`, () => {
      before(skipUnavailable(driver))

      afterEach(stopChildren)

      it('answer each of many tasks under way with what is its own', async () => {
        const workers = await startWorkers(driver, jobOf(peer, needs, 100))
        await Promise.all(Array.from({ length: TASKS }, (_, number) => runTask(workers, number)))
        await workers.close()
      })

      it('are measured, with the processor time of all sides', async () => {
        const many = await measure(driver, jobOf(peer, needs, 100))
        const { value, p99, cpu } = await measureInTurn(driver, jobOf(peer, needs, 1))
        for (const figure of [many.value, many.cpu, value, cpu]) expect(figure).to.be.greaterThan(0)
        expect(p99).to.be.at.least(value)
      })
    })
  }
}

describe('a measurement of tasks', () => {
  /** Answers as the harness's own worker does, but for one task. */
  const wrong = taskOf(1234)
  const driver = {
    title: 'wrong once',
    does: /** @type {'pool'[]} */ (['pool']),
    pool: async () => ({ run: async (task) => work(task) - (task.id === wrong.id ? 1 : 0), close() {} }),
  }

  for (const [title, one, underWay] of /** @type {const} */ ([
    ['many under way', measure, 100],
    ['one at a time', measureInTurn, 1],
  ])) {
    it(`fails at one wrong answer, ${title}`, async () => {
      const job = { ...jobOf('none', 'pool', underWay), seconds: 60 }
      const error = await one(driver, job).catch((reason) => reason)
      expect(error)
        .to.be.an('error')
        .with.property('message', `the answer to task 1234 is ${work(wrong) - 1} instead of ${work(wrong)}`)
    })
  }
})

describe('the processor time', () => {
  it('counts what the children of children take', async () => {
    const burn = `const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6 }
      while (used() < ${2 * BURN_SECONDS}) {}
      console.log('burnt')
      process.stdin.resume()`
    const shell = spawn('sh', ['-c', `"$0" -e "$1"; true`, process.execPath, burn], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(shell.stdout, 'data')
    const { user, system } = process.cpuUsage()
    const own = (user + system) / 1e6
    expect(cpuSeconds() - own).to.be.greaterThan(BURN_SECONDS)
    shell.stdin.end()
    await once(shell, 'exit')
  })
})
