import type { Input } from './records.js'
import type { Counts, Tally } from './tally.js'

/** Rows and names that the printed report shows; the JSON one has all. */
const MAX_ROWS = 10
const MAX_NAME = 32

/** The report as an object for machines, most frequent first. */
export function asObject({ path, kind }: Input, tally: Tally, seconds: number): object {
  const [packages, malformed] = [tally.total('packages'), tally.total('malformed')]
  const records = tally.total('records') - malformed
  const sorted = (counts: Counts) => Object.fromEntries(ranked(counts))
  const fields = ranked(tally.of('fields')).map(([field, count]) => {
    return [field, { count, types: sorted(tally.of(`types of ${field}`)) }]
  })
  const counted =
    kind === 'lines'
      ? { records, types: sorted(tally.of('types')), fields: Object.fromEntries(fields) }
      : {
          packages,
          others: records - packages,
          licences: sorted(tally.of('licences')),
          dependencies: sorted(tally.of('dependencies')),
          dependedOn: sorted(tally.of('dependedOn')),
        }
  const about = { input: path, kind, bytes: tally.total('bytes') }
  const workers = [...tally.of('workers').values()]
  return { ...about, ...counted, malformed: { count: malformed, places: placesOf(tally) }, seconds, workers }
}

/** The report for people. */
export function asText({ path, kind }: Input, tally: Tally, seconds: number): string {
  const [all, packages, malformed] = [tally.total('records'), tally.total('packages'), tally.total('malformed')]
  const records = all - malformed
  const types = (field: string) =>
    ranked(tally.of(`types of ${field}`)).map(([type, count]) => `${type} ${number(count)}`)
  const others = `(and ${number(records - packages)} package.json files without name and version)`
  const body =
    kind === 'lines'
      ? [
          `${number(records)} records in ${path}\n`,
          ...table('Record', 'records', tally.of('types'), records),
          ...table('Field', 'records', tally.of('fields'), records, (field) => types(field).join(', ')),
        ]
      : [
          `${number(packages)} packages under ${path} ${others}\n`,
          ...table('Licence', 'packages', tally.of('licences'), packages),
          ...table('Dependencies', 'packages', tally.of('dependencies'), packages),
          ...table('Most depended on', 'packages', tally.of('dependedOn'), packages),
        ]
  const places = placesOf(tally).slice(0, MAX_ROWS)
  const rows = [...places.map((place) => `  ${harmless(place)}`), ...more(malformed - places.length)]
  if (malformed > 0) body.push(`Malformed, not counted: ${number(malformed)}`, ...rows, '')
  const shares = [...tally.of('workers').values()].map(number)
  const by = shares.length === 1 ? '1 worker' : `${shares.length} workers (${shares.join(' + ')})`
  const size = `${number(all)} records (${number(Math.ceil(tally.total('bytes') / 1000))} kB)`
  return `${[...body, `Read ${size} in ${seconds.toFixed(2)} s with ${by}.`].join('\n')}\n`
}

/** Where the malformed records are, in the order of the input: the pool's results come in that order. */
function placesOf(tally: Tally): string[] {
  return [...tally.of('places').keys()]
}

function table(title: string, unit: string, counts: Counts, whole: number, remark = (_name: string) => ''): string[] {
  if (counts.size === 0) return []
  const shown = ranked(counts).slice(0, MAX_ROWS)
  const width = Math.max(title.length, ...shown.map(([name]) => short(name).length + 2))
  const rows = shown.map(([name, count]) => {
    const share = `${Math.round((100 * count) / whole)} %`.padStart(6)
    return `  ${short(name).padEnd(width - 2)} ${number(count).padStart(10)} ${share}  ${remark(name)}`.trimEnd()
  })
  return [`${title.padEnd(width)} ${unit.padStart(10)}`, ...rows, ...more(counts.size - rows.length), '']
}

function more(left: number): string[] {
  return left > 0 ? [`  and ${number(left)} more`] : []
}

function short(name: string): string {
  return harmless(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name)
}

/** Names come from the data: nothing in them may steer the terminal. */
function harmless(name: string): string {
  return name.replace(/\p{C}/gu, '\uFFFD')
}

/** Most frequent first, then by name. */
function ranked(counts: Counts): [string, number][] {
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
}

function number(value: number): string {
  return value.toLocaleString('en')
}
