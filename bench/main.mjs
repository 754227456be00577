// The command line: what to run, and what to do with what comes out. Ends with code 2 where it was told nonsense.
import { writeFileSync } from 'node:fs'
import { CommanderError } from 'commander'
import { drawCharts } from './charts.mjs'
import { findLimits, findPeers } from './find-peers.mjs'
import { describeRun } from './machine.mjs'
import { parse } from './options.mjs'
import { progressBar } from './progress.mjs'
import { reportOf } from './report.mjs'
import { runAll } from './schedule.mjs'
import { summarize } from './summary.mjs'
import { skippedLines, tables } from './tables.mjs'

const USAGE = 2

try {
  await compare(parse(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : USAGE
}

/** @param {import('./options.mjs').Options} options */
async function compare(options) {
  const run = describeRun()
  const { drivers, skipped: absent } = await findPeers(options.peers)
  const { limits, skipped: unknown } = await findLimits()
  const skipped = [...absent, ...unknown]
  if (skipped.length > 0) console.error(skippedLines(skipped))
  const progress = progressBar()
  const { outcomes, skipped: failed } = await runAll(options, drivers, limits, progress).finally(progress.stop)
  const summaries = outcomes.map(summarize)
  const { cpu, cores, kernel } = run.machine
  console.log(
    `${cpu}, ${cores} cores, Linux ${kernel}, Node ${run.node}, commit ${run.commit ?? 'unknown'}, ${run.date}\n`
  )
  if (options.quick) console.log('Quick: the rounds are too short to judge by.\n')
  console.log(tables(summaries, drivers))
  if (failed.length > 0) console.log(`\n${skippedLines(failed)}`)

  const report = reportOf(run, options, summaries, drivers, [...skipped, ...failed])
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`)
  if (options.charts !== undefined) console.error(drawCharts(report, options.charts).join('\n'))
}
