import { expect } from 'chai'
import { crashIn, itHasCommandLine, runExample, startExample } from './helpers/example.js'
import { sized } from './helpers/long.js'

/** How long a job takes. */
const ROUNDS = ['--rounds', String(sized(200, 2000))]

/** What the example prints: the results, by name, and what became of the jobs. */
function parse(output: string) {
  const listed = [...output.matchAll(/^([0-9a-f]{64}) {2}(\S+)$/gm)].map(([, digest, name]) => [name, digest] as const)
  const value = (field: string) => new RegExp(`^${field} +(.*)$`, 'm').exec(output)?.[1] ?? ''
  const [lost, ...names] = value('lost').split(' ')
  return {
    listed,
    results: Object.fromEntries(listed),
    jobs: Number(value('jobs')),
    finished: Number(value('finished')),
    lost: Number(lost),
    names,
    retried: Number(value('retried')),
    killed: Number.parseInt(value('killed'), 10),
  }
}

describe('the pool example', () => {
  it('finishes every job once when no worker is killed', async () => {
    const { listed, results, ...counts } = parse(await runExample('pool', [...ROUNDS, '--kill', '0', '--list']))
    expect(counts).to.deep.equal({ jobs: 200, finished: 200, lost: 0, names: [], retried: 0, killed: 0 })
    expect(listed).to.have.lengthOf(200)
    expect(Object.keys(results)).to.have.lengthOf(200)
  })

  it('tells which jobs died with their workers, and finishes the others once', async () => {
    const { ended } = startExample('pool', [...ROUNDS, '--kill', '10', '--list'])
    const { code, stdout, stderr } = await ended
    const { listed, results, jobs, finished, lost, names, retried, killed } = parse(stdout)
    expect(stderr).to.equal('')
    expect(killed).to.be.greaterThan(0)
    expect(finished + lost)
      .to.equal(jobs)
      .and.to.equal(200)
    expect(retried).to.equal(0)
    // A worker has one job in hand.
    expect(lost).to.be.within(0, killed)
    expect(names).to.have.lengthOf(lost)
    expect(listed).to.have.lengthOf(finished)
    expect(new Set([...names, ...Object.keys(results)]).size).to.equal(jobs)
    expect(code).to.equal(lost > 0 ? 1 : 0)
  })

  it('finishes all jobs, with --retry, as if no worker had been killed', async () => {
    const undisturbed = parse(await runExample('pool', [...ROUNDS, '--jobs', '100', '--kill', '0', '--list']))
    const { listed, results, ...counts } = parse(
      await runExample('pool', [...ROUNDS, '--jobs', '100', '--kill', '10', '--seed', '7', '--retry', '--list'])
    )
    expect(results).to.deep.equal(undisturbed.results)
    expect(listed).to.have.lengthOf(100)
    const { retried, killed } = counts
    expect(counts).to.deep.equal({ jobs: 100, finished: 100, lost: 0, names: [], retried, killed })
    expect(killed).to.be.greaterThan(0)
    expect(retried).to.be.at.most(killed)
  })

  it('gets through with one worker that is killed at every result', async () => {
    const jobs = sized(5, 12)
    const args = [...ROUNDS, '--jobs', `${jobs}`, '--workers', '1', '--kill', '1', '--retry']
    const { finished, lost, killed } = parse(await runExample('pool', args))
    expect(finished).to.equal(jobs)
    expect(lost).to.equal(0)
    expect(killed).to.be.greaterThan(0)
  })

  it('fails when a worker does, and leaves none behind', async () => {
    const { code, stdout, stderr } = await startExample('pool', [], crashIn('worker.js')).ended
    expect(stderr).to.match(/^pool: worker \d+ ended with exit code 7\n$/)
    expect(stdout).to.equal('')
    expect(code).to.equal(1)
  })

  itHasCommandLine(
    'pool',
    ['--jobs', '--rounds', '--workers', '--kill', '--seed', '--retry', '--list'],
    ['--jobs=0', '--rounds=many', '--workers=65', '--kill=1.5', '--seed=-1']
  )
})
