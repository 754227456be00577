import { expect } from 'chai'
import { spreadOf, summarize } from '../summary.mjs'

const samples = (values) => values.map((value) => (value === undefined ? undefined : { value }))

/** @returns {any} */
function outcome(better, peers, limits = {}) {
  const table = (rows) => new Map(Object.entries(rows).map(([name, values]) => [name, samples(values)]))
  return { workload: { name: 'test', better, unit: '/s' }, samples: table(peers), limits: table(limits) }
}

describe('the statistics', () => {
  it('give the median, the quartiles and the range, of an odd and of an even number', () => {
    expect(spreadOf([5, 1, 4, 2, 3])).to.deep.equal({ runs: 5, median: 3, min: 1, max: 5, q1: 2, q3: 4 })
    expect(spreadOf([4, 1, 3, 2])).to.include({ runs: 4, median: 2.5, min: 1, max: 4 })
    expect(spreadOf([7])).to.deep.equal({ runs: 1, median: 7, min: 7, max: 7, q1: 7, q3: 7 })
  })

  it('take ratios run by run, so what slows a whole run down shows in none', () => {
    const { results } = summarize(outcome('higher', { 'wormhole-ipc': [400, 40, 4], ndjson: [100, 10, 1] }))
    expect(results.get('ndjson').ratio).to.include({ median: 4, min: 4, max: 4, runs: 3 })
    expect(results.get('wormhole-ipc').ratio).to.include({ median: 1, min: 1, max: 1 })
  })

  it('say how many times better, whether more is better or less', () => {
    const higher = summarize(outcome('higher', { 'wormhole-ipc': [10], ndjson: [5] }))
    const lower = summarize(outcome('lower', { 'wormhole-ipc': [5], ndjson: [10] }))
    expect(higher.results.get('ndjson').ratio.median).to.equal(2)
    expect(lower.results.get('ndjson').ratio.median).to.equal(2)
  })

  it('leave out a run that failed, and its ratio', () => {
    const { results } = summarize(outcome('higher', { 'wormhole-ipc': [10, 20, 30], ndjson: [5, undefined, 3] }))
    expect(results.get('ndjson').values).to.deep.equal([5, 3])
    expect(results.get('ndjson').ratio).to.include({ runs: 2, min: 2, max: 10 })
  })

  it('have no ratio where the reference has no run', () => {
    const { results } = summarize(outcome('higher', { ndjson: [5] }))
    expect(results.get('ndjson').ratio).to.equal(undefined)
  })

  it('give the share of each limit', () => {
    const { results, limits } = summarize(
      outcome('higher', { 'wormhole-ipc': [50, 60, 70] }, { codec: [100, 80, 75], kernel: [600, 600] })
    )
    expect(limits.get('codec').median).to.equal(80)
    expect(results.get('wormhole-ipc').share).to.deep.equal({ codec: 0.75, kernel: 0.1 })
  })

  it('keep the tails of round trips', () => {
    const trips = [1, 2, 3].map((value) => ({ value, mean: value * 2, p99: value * 10, p999: value * 100 }))
    const { results } = summarize({ ...outcome('lower', {}), samples: new Map([['wormhole-ipc', trips]]) })
    expect(results.get('wormhole-ipc')).to.include({ mean: 4, p99: 20, p999: 200 })
  })

  it('give the median of the processor time, of the runs that tell it', () => {
    const runs = [
      { value: 1, cpu: 30 },
      undefined,
      { value: 1, cpu: 10 },
      { value: 1, cpu: null },
      { value: 1, cpu: 20 },
    ]
    const { results } = summarize({ ...outcome('higher', { ndjson: [5] }), samples: new Map([['wormhole-ipc', runs]]) })
    expect(results.get('wormhole-ipc').cpu).to.equal(20)
    expect(summarize(outcome('higher', { ndjson: [5] })).results.get('ndjson')).not.to.have.property('cpu')
  })
})
