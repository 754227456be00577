// From the samples of all runs to medians, spreads, and ratios.
import { max, median, min, quantile } from 'simple-statistics'
import { REFERENCE } from './peers/load.mjs'

/**
 * @typedef {{ runs: number, median: number, min: number, max: number, q1: number, q3: number }} Spread
 *
 * @typedef {object} Result
 * @property {number[]} values of each run
 * @property {Spread} spread of them
 * @property {number} [p99] the median of the runs' 99th percentiles
 * @property {number} [p999]
 * @property {number} [mean] the median of the runs' means
 * @property {number} [cpu] the median of the runs' processor time of all sides, in microseconds each
 * @property {Spread} [ratio] how many times better the reference is, run by run; more than 1 where it is better
 * @property {Record<string, number>} share of each limit
 *
 * @typedef {object} Summary
 * @property {import('./workloads.mjs').Workload} workload
 * @property {Map<string, Result>} results by peer
 * @property {Map<string, Spread>} limits
 */

/** @param {number[]} values @returns {Spread} */
export function spreadOf(values) {
  const [q1, q3] = quantile(values, [0.25, 0.75])
  return { runs: values.length, median: median(values), min: min(values), max: max(values), q1, q3 }
}

/** @param {import('./schedule.mjs').Outcome} outcome @returns {Summary} */
export function summarize({ workload, samples, limits }) {
  const limitSpreads = new Map([...limits].map(([name, runs]) => [name, spreadOf(valuesOf(runs))]))
  const reference = samples.get(REFERENCE)
  const results = new Map()
  for (const [peer, runs] of samples) {
    results.set(peer, {
      values: valuesOf(runs),
      spread: spreadOf(valuesOf(runs)),
      ...tailsOf(runs),
      ...cpuOf(runs),
      ratio: ratioOf(workload.better, reference, runs),
      share: sharesOf(spreadOf(valuesOf(runs)).median, limitSpreads),
    })
  }
  return { workload, results, limits: limitSpreads }
}

const valuesOf = (runs) => runs.filter((sample) => sample !== undefined).map(({ value }) => value)

function tailsOf(runs) {
  const present = runs.filter((sample) => sample?.p99 !== undefined)
  if (present.length === 0) return {}
  const of = (field) => median(present.map((sample) => sample[field]))
  return { mean: of('mean'), p99: of('p99'), p999: of('p999') }
}

function cpuOf(runs) {
  const known = runs.map((sample) => sample?.cpu).filter(Number.isFinite)
  return known.length === 0 ? {} : { cpu: median(known) }
}

/** Of runs that were made one after the other, so that both had the same machine. */
function ratioOf(better, reference = [], runs) {
  const ratios = []
  for (const [run, sample] of runs.entries()) {
    const ours = reference[run]
    if (sample === undefined || ours === undefined) continue
    const [over, under] = better === 'higher' ? [ours, sample] : [sample, ours]
    if (under.value > 0) ratios.push(over.value / under.value)
  }
  return ratios.length === 0 ? undefined : spreadOf(ratios)
}

function sharesOf(value, limits) {
  return Object.fromEntries([...limits].map(([name, limit]) => [name, value / limit.median]))
}
