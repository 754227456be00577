// The report as tables, in Markdown, so that they can be read as they are and pasted.
import { markdownTable } from 'markdown-table'
import { REFERENCE } from './peers/load.mjs'

const NONE = '-'

/**
 * @param {import('./summary.mjs').Summary[]} summaries
 * @param {Map<string, import('./peers/driver.mjs').Driver>} drivers
 * @returns {string}
 */
export function tables(summaries, drivers) {
  return summaries.map((summary) => section(summary, drivers)).join('\n\n')
}

function section({ workload, results, limits }, drivers) {
  const some = (field) => [...results.values()].some((result) => result[field] !== undefined)
  const shown = { tails: some('p99'), cpu: some('cpu') }
  const head = ['', workload.unit, 'spread', `times as good is ${REFERENCE}`]
  if (shown.tails) head.push('mean', 'p99', 'p99.9')
  if (shown.cpu) head.push('processor time, us')
  for (const limit of limits.keys()) head.push(`of the ${limit}'s limit`)
  if (workload.name.startsWith('awaited')) head.push('awaited means')
  const able = [...drivers].filter(([, { does }]) => does.includes(workload.needs))
  const rows = able.map(([peer, driver]) => {
    const result = results.get(peer)
    return result === undefined
      ? [driver.title, ...head.slice(1).map(() => NONE)]
      : row(result, driver, workload, limits, shown)
  })
  for (const [limit, spread] of limits) {
    rows.push([`limit: ${limit}`, figure(spread.median), between(spread), ...head.slice(3).map(() => NONE)])
  }
  const align = head.map((_, column) => (column === 0 ? 'l' : 'r'))
  return `## ${workload.name}: ${workload.title}\n\n${markdownTable([head, ...rows], { align })}`
}

function row({ spread, ratio, mean, p99, p999, cpu, share }, driver, workload, limits, shown) {
  const cells = [driver.title, figure(spread.median), between(spread), ratio === undefined ? NONE : times(ratio)]
  if (shown.tails) cells.push(figure(mean), figure(p99), figure(p999))
  if (shown.cpu) cells.push(figure(cpu))
  for (const limit of limits.keys()) cells.push(percent(share[limit]))
  if (workload.name.startsWith('awaited')) cells.push(driver.promise === 'kernel' ? 'in the kernel' : 'in a queue')
  return cells
}

const times = (ratio) => `${figure(ratio.median)}x (${figure(ratio.min)} to ${figure(ratio.max)})`
const between = ({ min, max }) => `${figure(min)} to ${figure(max)}`
const percent = (share) => `${Number((share * 100).toPrecision(2))} %`

/** Three digits that count, with separators. */
export function figure(value) {
  if (value === undefined) return NONE
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

/** @param {import('./find-peers.mjs').Skip[]} skipped */
export function skippedLines(skipped) {
  return skipped
    .map(({ peer, workload, reason }) => `skipped: ${peer}${workload === undefined ? '' : ` (${workload})`}: ${reason}`)
    .join('\n')
}
