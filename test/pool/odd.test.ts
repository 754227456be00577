import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { WormholeError } from 'wormhole-ipc'
import { fixture } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { sized } from '../helpers/long.js'
import { closesPools, isAlive, javascript } from '../helpers/pools.js'
import { usesChildren } from '../helpers/uses-children.js'

const ODD = new URL('../fixtures/odd-job.js', import.meta.url)
/** What no answer is, and answers that nobody asked for. */
const UNASKED: unknown[] = [
  ...[null, 7, 'text', [], {}, { answer: 99, output: 1 }, { answer: '1' }, { answer: {} }, { answer: null }],
  ...[{ answer: -1 }, { progress: 99, value: 1 }, { progress: {} }, { answer: 0 }, { answer: 0, error: null }],
  ...[{ window: 1 }, { cancel: 1 }, { call: 1, name: 'x' }, { ['__proto__']: { answer: 1 } }],
]

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('a pool whose processes misbehave', function () {
  this.timeout(120_000)
  usesChildren()
  leavesNoDescriptors()
  const open = closesPools()

  it('drops answers that nobody asked for, and goes on', async () => {
    const jobs = open({}, ODD)
    const pid = await jobs.run({ do: 'pid' })
    expect(await jobs.run({ do: 'says', messages: UNASKED })).to.equal('said')
    expect(await jobs.run({ do: 'pid' })).to.equal(pid)
  })

  it('takes the first of several answers to a job', async () => {
    const jobs = open({}, ODD)
    await jobs.run({ do: 'pid' })
    const twice = [
      { progress: 2, value: 1 },
      { answer: 2, output: 'first' },
      { answer: 2, output: 'second' },
    ]
    expect(await jobs.run({ do: 'says', messages: [...twice, { progress: 2, value: 2 }] })).to.equal('first')
    expect(await jobs.run({ do: 'says', messages: [] })).to.equal('said')
    const errors = [null, 1, {}, { message: 3, cause: { cause: 4 } }]
    for (const [at, error] of errors.entries()) {
      await rejectsCode(jobs.run({ do: 'says', messages: [{ answer: 4 + at, error }] }), 'ERR_WORMHOLE_CALL_THREW')
    }
  })

  it('knows that one died while it wrote an answer, and takes what came before', async () => {
    const jobs = open({}, ODD)
    const seen: unknown[] = []
    const died = jobs.run({ do: 'dies in an answer' }, { onProgress: (value) => seen.push(value) })
    const error = await rejectsCode(died, 'ERR_WORMHOLE_CHILD_EXITED')
    expect(seen).to.deep.equal(['whole'])
    expect([error.message, error.cause]).to.deep.equal(['a process of the pool was killed by SIGKILL', undefined])
    expect(await jobs.run({ do: 'pid' })).to.be.a('number')
  })

  it('kills a process that sends what cannot be read, and says so', async () => {
    const jobs = open({}, ODD)
    const error = await rejectsCode(jobs.run({ do: 'babbles' }), 'ERR_WORMHOLE_CHILD_EXITED')
    expect(error).to.include({ signal: 'SIGKILL', stderr: 'no JSON\n' })
    expect((error.cause as WormholeError).code).to.equal('ERR_WORMHOLE_MALFORMED')
    expect(await jobs.run({ do: 'pid' })).to.be.a('number')
  })

  it('kills a process that has closed its channel', async () => {
    const jobs = open({}, ODD)
    await rejectsCode(jobs.run({ do: 'hangs up' }), 'ERR_WORMHOLE_CHILD_EXITED')
    expect(await jobs.run({ do: 'pid' })).to.be.a('number')
  })

  it('charges a job with a process that does so at its import', async () => {
    for (const text of ['closeSync(3)', 'writeSync(3, "no frame")']) {
      const jobs = open(
        {},
        javascript(`import { closeSync, writeSync } from 'node:fs'; ${text}; export default () => 1`)
      )
      await rejectsCode(jobs.run(1), 'ERR_WORMHOLE_CHILD_EXITED')
    }
  })

  it('rejects with the exit of a process that throws outside of its function, and what it wrote', async () => {
    const jobs = open({}, ODD)
    for (const [what, text] of [
      ['throws later', 'from a timer'],
      ['rejects', 'handled by nobody'],
    ]) {
      const error = await rejectsCode(jobs.run({ do: what }), 'ERR_WORMHOLE_CHILD_EXITED')
      expect(error).to.have.property('exitCode', 1)
      expect(error).to.have.property('stderr').that.includes(text)
    }
    const error = await rejectsCode(jobs.run({ do: 'exits' }), 'ERR_WORMHOLE_CHILD_EXITED')
    expect(error).to.include({ exitCode: 0, signal: null })
  })

  it('has the answer of a process that ends right after it', async () => {
    const jobs = open({ size: 2 }, ODD)
    for (let n = 0; n < sized(3, 10); n++) expect(await jobs.run({ do: 'answers and exits' })).to.equal('answered')
  })

  it('does not mind what a process writes to its standard output', async () => {
    expect(await open({}, ODD).run({ do: 'writes' })).to.equal('written')
  })

  it('ends jobs whose module never comes to the end of its import by their timeout', async () => {
    const jobs = open({ grace: 0 }, javascript('await new Promise(() => setInterval(() => 0, 1000))'))
    for (let n = 0; n < 2; n++) await rejectsCode(jobs.run(1, { timeout: 20 }), 'ERR_WORMHOLE_TIMEOUT')
  })

  it('replaces a process that never comes to the end of its import, and charges no other job', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'wormhole-pool-'))
    const text = `import { existsSync, writeFileSync } from 'node:fs'
      const mark = ${JSON.stringify(join(folder, 'mark'))}
      if (!existsSync(mark)) {
        writeFileSync(mark, '')
        await new Promise(() => setInterval(() => 0, 1000))
      }
      export default () => 'ran'`
    const jobs = open({ grace: 20 }, javascript(text))
    const aborting = new AbortController()
    const first = jobs.run(1, { signal: aborting.signal }).catch((error: Error) => error.name)
    const second = jobs.run(2)
    while (!existsSync(join(folder, 'mark'))) await new Promise((resolve) => setTimeout(resolve, 5))
    aborting.abort()
    expect(await first).to.equal('AbortError')
    expect(await second).to.equal('ran')
    rmSync(folder, { recursive: true })
  })

  it('carries what a module wrote before its import failed', async () => {
    const jobs = open({}, javascript('console.error("so far"); throw new Error("at import")'))
    const error = await rejectsCode(jobs.run(1), 'ERR_WORMHOLE_CALL_THREW')
    expect(error).to.have.property('stderr', 'so far\n')
    expect(error.cause).to.have.property('message', 'at import')
  })

  it('kills what is blocked for ever when it is closed, at the end of the grace', async () => {
    const jobs = open({ grace: 20 })
    const pid = (await jobs.run({ do: 'pid' })) as number
    const blocked = rejectsCode(jobs.run({ do: 'block' }), 'ERR_WORMHOLE_CLOSED')
    await jobs.close()
    await blocked
    expect(isAlive(pid)).to.equal(false)
  })

  it('replaces a process that is blocked between two jobs, once one given to it was given up', async () => {
    const jobs = open({ size: 1, grace: 100 })
    const pid = (await jobs.run({ do: 'pid' })) as number
    process.kill(pid, 'SIGSTOP')
    await rejectsCode(jobs.run({ do: 'pid' }, { timeout: 50 }), 'ERR_WORMHOLE_TIMEOUT')
    const next = await jobs.run({ do: 'pid' })
    expect(next).not.to.equal(pid)
    expect(isAlive(pid)).to.equal(false)
    expect(jobs.stats()).to.deep.include({ died: 1, retried: 0 })
  })

  it('keeps a process that reads on after a job given to it was given up', async () => {
    const jobs = open({ size: 1, grace: 10_000 })
    const pid = (await jobs.run({ do: 'pid' })) as number
    process.kill(pid, 'SIGSTOP')
    await rejectsCode(jobs.run({ do: 'pid' }, { timeout: 50 }), 'ERR_WORMHOLE_TIMEOUT')
    const next = jobs.run({ do: 'pid' })
    process.kill(pid, 'SIGCONT')
    expect(await next).to.equal(pid)
    expect(jobs.stats().died).to.equal(0)
  })

  it('kills what is blocked for ever when its job is over its time', async () => {
    const jobs = open({ grace: 20 })
    const pid = (await jobs.run({ do: 'pid' })) as number
    await rejectsCode(jobs.run({ do: 'block' }, { timeout: 20 }), 'ERR_WORMHOLE_TIMEOUT')
    await gone([pid])
  })

  for (const how of ['killed', 'exits', 'throws']) {
    it(`takes its processes along when ours ${how === 'killed' ? 'is killed' : `${how}, though they are blocked`}`, async () => {
      const parent = spawn(process.execPath, [fixture('pool-parent'), how], { stdio: ['ignore', 'pipe', 'ignore'] })
      const [text] = (await once(parent.stdout, 'data')) as [Buffer]
      const pids = JSON.parse(text.toString()) as number[]
      expect(pids).to.have.length(2)
      if (how === 'killed') parent.kill('SIGKILL')
      await once(parent, 'close')
      await gone(pids)
    })
  }
})
