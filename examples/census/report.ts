import { Presets, SingleBar } from 'cli-progress'
import type { Outcome } from './pool.js'
import type { Input } from './records.js'
import type { Counts, Tally } from './tally.js'

/** Rows and names that the printed report shows; the JSON one has all. */
const MAX_ROWS = 10
const WIDEST_NAME = 32

/** So that line 9 comes before line 10. */
const inOrder = new Intl.Collator('en', { numeric: true }).compare

export interface Report extends Outcome {
  input: Input
  seconds: number
}

/** The report as an object for machines, most frequent first. */
export function asObject({ input, total, shares, seconds }: Report): object {
  const about = { input: input.path, kind: input.kind, bytes: total.bytes }
  const malformed = { count: total.malformed, places: total.places.sort(inOrder) }
  const how = { seconds, workers: shares }
  if (input.kind === 'packages') {
    const { packages, licences, dependencies, dependedOn } = total
    const others = total.taken - malformed.count - packages
    const counts = { licences: sorted(licences), dependencies, dependedOn: sorted(dependedOn) }
    return { ...about, packages, others, ...counts, malformed, ...how }
  }
  const fields = fieldsOf(total).map(([field, count]) => [field, { count, types: sorted(total.fields[field] ?? {}) }])
  const records = total.taken - malformed.count
  return { ...about, records, types: sorted(total.types), fields: Object.fromEntries(fields), malformed, ...how }
}

/** The report for people. */
export function asText({ input, total, shares, seconds }: Report): string {
  const body = input.kind === 'packages' ? packagesText(input, total) : linesText(input, total)
  const kilobytes = number(Math.ceil(total.bytes / 1000))
  const by = shares.length === 1 ? '1 worker' : `${shares.length} workers (${shares.map(number).join(' + ')})`
  const foot = `Read ${number(total.taken)} records (${kilobytes} kB) in ${seconds.toFixed(2)} s with ${by}.`
  return `${[...body, ...malformedText(total), foot].join('\n')}\n`
}

/** A progress bar on a terminal. It leaves the terminal's modes alone, so that Ctrl-C needs no clean-up. */
export function progressBar(bytes: number): { update: (done: number) => void; stop: () => void } {
  const format = '{bar} {percentage}%  {value} of {total} kB'
  const bar = new SingleBar({ format, clearOnComplete: true, linewrap: true }, Presets.shades_classic)
  const total = Math.ceil(bytes / 1000)
  bar.start(total, 0)
  return { update: (done) => bar.update(Math.min(total, Math.ceil(done / 1000))), stop: () => bar.stop() }
}

function packagesText({ path }: Input, total: Tally): string[] {
  const others = total.taken - total.malformed - total.packages
  const { packages } = total
  const sizes: Counts = {}
  for (const [size, count] of Object.entries(total.dependencies)) {
    const range = Number(size) > 9 ? '10 or more' : Number(size) > 4 ? '5 to 9' : Number(size) > 0 ? '1 to 4' : 'none'
    sizes[range] = (sizes[range] ?? 0) + count
  }
  return [
    `${number(packages)} packages under ${path} (and ${number(others)} package.json files without name and version)`,
    '',
    ...table('Licence', 'packages', ranked(total.licences), packages),
    ...table('Dependencies', 'packages', ranked(sizes), packages),
    ...table('Most depended on', 'packages', ranked(total.dependedOn), packages),
  ]
}

function linesText({ path }: Input, total: Tally): string[] {
  const records = total.taken - total.malformed
  const types = (field: string) =>
    ranked(total.fields[field] ?? {})
      .map(([type, count]) => `${type} ${number(count)}`)
      .join(', ')
  return [
    `${number(records)} records in ${path}`,
    '',
    ...table('Record', 'records', ranked(total.types), records),
    ...table('Field', 'records', fieldsOf(total), records, types),
  ]
}

function malformedText({ malformed, places }: Tally): string[] {
  if (malformed === 0) return []
  const shown = places.sort(inOrder).slice(0, MAX_ROWS)
  const rows = shown.map((place) => `  ${harmless(place)}`)
  return [`Malformed, not counted: ${number(malformed)}`, ...rows, ...moreText(malformed - shown.length), '']
}

function table(
  title: string,
  unit: string,
  rows: [string, number][],
  whole: number,
  remark: (name: string) => string = () => ''
): string[] {
  if (rows.length === 0) return []
  const shown = rows
    .slice(0, MAX_ROWS)
    .map(([name, count]) => ({ name: shortened(harmless(name)), count, remark: remark(name) }))
  const width = Math.max(title.length, ...shown.map(({ name }) => name.length + 2))
  const lines = shown.map(({ name, count, remark }) => {
    const share = `${Math.round((100 * count) / whole)} %`
    return `  ${name.padEnd(width - 2)} ${number(count).padStart(10)} ${share.padStart(6)}  ${remark}`.trimEnd()
  })
  return [`${title.padEnd(width)} ${unit.padStart(10)}`, ...lines, ...moreText(rows.length - shown.length), '']
}

function moreText(more: number): string[] {
  return more > 0 ? [`  and ${number(more)} more`] : []
}

function shortened(name: string): string {
  return name.length > WIDEST_NAME ? `${name.slice(0, WIDEST_NAME - 1)}…` : name
}

/** Names come from the data: nothing in them may steer the terminal. */
function harmless(name: string): string {
  return name.replace(/\p{C}/gu, '\uFFFD')
}

function fieldsOf({ fields }: Tally): [string, number][] {
  const counts = Object.entries(fields).map(([field, types]): [string, number] => {
    return [field, Object.values(types).reduce((sum, count) => sum + count, 0)]
  })
  return ranked(Object.fromEntries(counts))
}

/** Most frequent first, then by name. */
function ranked(counts: Counts): [string, number][] {
  return Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}

function sorted(counts: Counts): Counts {
  return Object.fromEntries(ranked(counts))
}

function number(value: number): string {
  return value.toLocaleString('en')
}
