// What is run, in which order: every peer in turn on one workload, then the next workload, and all of that again for the next
// run. So what drifts on a machine drifts for all. Every second run takes the peers backwards: who comes first finds the
// processors as the limits' single processes have left them.
import { runJob } from './job.mjs'
import { stopwatch } from './measures/rate.mjs'
import { REFERENCE } from './peers/load.mjs'

/** Messages that take seconds each are not sent more often than this. */
const LONG_RUNS = 2

/**
 * @typedef {{ value: number, mean?: number, p99?: number, p999?: number, cpu?: number, [more: string]: number | undefined }} Sample what one run gave
 *
 * @typedef {object} Outcome
 * @property {import('./workloads.mjs').Workload} workload
 * @property {Map<string, (Sample | undefined)[]>} samples by peer, then by run; undefined where that run failed
 * @property {Map<string, (Sample | undefined)[]>} limits by limit, 'codec' and 'kernel'
 */

/**
 * @param {import('./options.mjs').Options} options
 * @param {Map<string, import('./peers/driver.mjs').Driver>} drivers
 * @param {('codec' | 'kernel')[]} limits that can be measured
 * @param {{ start(total: number): void, step(what: string): void }} progress
 * @returns {Promise<{ outcomes: Outcome[], skipped: import('./find-peers.mjs').Skip[] }>}
 */
export async function runAll({ workloads, runs, seconds, until, quick }, drivers, limits, progress) {
  const plans = workloads.map((workload) => ({
    outcome: { workload, samples: new Map(), limits: new Map() },
    runs: workload.long ? Math.min(runs, LONG_RUNS) : runs,
    steps: stepsOf(workload, drivers, limits),
    failed: new Map(),
  }))
  progress.start(plans.reduce((total, { steps, runs }) => total + steps.length * runs, 0))
  const elapsed = stopwatch()
  for (let run = 0; run < runs; run++) {
    for (const plan of plans) {
      if (run >= plan.runs || (run > 0 && elapsed() > until.repeat)) continue
      for (const step of inOrder(plan.steps, run)) {
        const name = step.peer ?? `the ${step.limit}'s limit`
        progress.step(`${plan.outcome.workload.name}: ${name}`)
        if (plan.failed.has(name)) continue
        if (elapsed() > until.begin) {
          if (run === 0) plan.failed.set(name, 'no time was left')
          continue
        }
        await runStep(plan.outcome, step, run, { seconds, quick }).catch((error) =>
          plan.failed.set(name, error.message)
        )
      }
    }
  }
  return {
    outcomes: plans.map(({ outcome }) => outcome),
    skipped: plans.flatMap(({ outcome, failed }) =>
      [...failed].map(([peer, reason]) => ({ peer, workload: outcome.workload.name, reason }))
    ),
  }
}

/** @param {import('./workloads.mjs').Workload} workload @returns {{ peer?: string, limit?: 'codec' | 'kernel' }[]} the reference first; the kernel's limit needs to know what it sent */
function stepsOf({ needs, bytes, limited }, drivers, limits) {
  const able = [...drivers].filter(([, { does, maxBytes }]) => does.includes(needs) && !(bytes > maxBytes))
  const peers = able.map(([peer]) => ({ peer }))
  return limited ? [...peers, ...limits.map((limit) => ({ limit }))] : peers
}

/** The limits stay last: the kernel's needs to know what the reference sent. */
export function inOrder(steps, run) {
  if (run % 2 === 0) return steps
  const peers = steps.filter(({ limit }) => limit === undefined).reverse()
  return [...peers, ...steps.filter(({ limit }) => limit !== undefined)]
}

async function runStep({ workload, samples, limits }, step, run, { seconds, quick }) {
  const packets = step.limit === 'kernel' ? packetsOf(samples, run) : {}
  const sample = await runJob({ ...workload, ...step, ...packets, seconds }, { quick })
  if (step.peer === undefined) put(limits, step.limit, run, sample)
  else put(samples, step.peer, run, sample)
}

function packetsOf(samples, run) {
  const sample = samples.get(REFERENCE)?.[run]
  if (sample === undefined) throw new Error(`${REFERENCE} sent no packets to take as a model`)
  return { packetBytes: sample.packetBytes, packetMessages: sample.packetMessages }
}

function put(table, name, run, sample) {
  if (!table.has(name)) table.set(name, [])
  table.get(name)[run] = sample
}
