import type { Input } from './records.js'
import type { Counts, Table, Tally } from './tally.js'

/** Rows and names that the printed report shows; the JSON one has all. */
const MAX_ROWS = 10
const MAX_NAME = 32

/** The tables of each kind of input, with their titles for people. */
const TABLES = {
  packages: { licences: 'Licence', dependencies: 'Dependencies', dependedOn: 'Most depended on' },
  lines: { types: 'Record', fields: 'Field' },
}
const tablesOf = (kind: Input['kind']) => Object.entries(TABLES[kind]) as [Table, string][]

/** The report as an object for machines, most frequent first. */
export function asObject({ path, kind }: Input, tally: Tally, seconds: number): object {
  const packages = tally.total('packages')
  const totals = kind === 'lines' ? { records: tally.records } : { packages, others: tally.records - packages }
  const types = (field: string) => Object.fromEntries(ranked(tally.of(`types of ${field}`)))
  const tables = tablesOf(kind).map(([table]) => {
    const rows = ranked(tally.of(table)).map(([name, count]) => {
      return [name, table === 'fields' ? { count, types: types(name) } : count]
    })
    return [table, Object.fromEntries(rows)]
  })
  // The pool's results come in the order of the input.
  const malformed = { count: tally.total('malformed'), places: [...tally.of('places').keys()] }
  const workers = [...tally.of('workers').values()]
  const about = { input: path, kind, bytes: tally.total('bytes'), ...totals }
  return { ...about, ...Object.fromEntries(tables), malformed, seconds, workers }
}

/** The report for people. */
export function asText({ path, kind }: Input, tally: Tally, seconds: number): string {
  const { records } = tally
  const [packages, malformed] = [tally.total('packages'), tally.total('malformed')]
  const others = `(and ${number(records - packages)} package.json files without name and version)`
  const [unit, whole] = kind === 'lines' ? ['records', records] : ['packages', packages]
  const body = [`${number(whole)} ${kind === 'lines' ? `records in ${path}` : `packages under ${path} ${others}`}\n`]
  for (const [name, title] of tablesOf(kind))
    body.push(...table(title, unit, tally.of(name), whole, typesOf(tally, name)))
  const places = [...tally.of('places').keys()].slice(0, MAX_ROWS).map((place) => `  ${harmless(place)}`)
  const rows = [...places, ...more(malformed - places.length)]
  if (malformed > 0) body.push(`Malformed, not counted: ${number(malformed)}`, ...rows, '')
  const shares = [...tally.of('workers').values()].map(number)
  const by = shares.length === 1 ? '1 worker' : `${shares.length} workers (${shares.join(' + ')})`
  const size = `${number(records + malformed)} records (${number(Math.ceil(tally.total('bytes') / 1000))} kB)`
  return `${[...body, `Read ${size} in ${seconds.toFixed(2)} s with ${by}.`].join('\n')}\n`
}

function table(title: string, unit: string, counts: Counts, whole: number, remark: (name: string) => string): string[] {
  if (counts.size === 0) return []
  const shown = ranked(counts).slice(0, MAX_ROWS)
  const width = Math.max(title.length, ...shown.map(([name]) => short(name).length + 2))
  const rows = shown.map(([name, count]) => {
    const share = `${Math.round((100 * count) / whole)} %`.padStart(6)
    return `  ${short(name).padEnd(width - 2)} ${number(count).padStart(10)} ${share}  ${remark(name)}`.trimEnd()
  })
  return [`${title.padEnd(width)} ${unit.padStart(10)}`, ...rows, ...more(counts.size - rows.length), '']
}

/** What a table says of each name: of a field, the types of its values. */
function typesOf(tally: Tally, table: Table): (name: string) => string {
  if (table !== 'fields') return () => ''
  return (name) =>
    ranked(tally.of(`types of ${name}`))
      .map(([type, count]) => `${type} ${number(count)}`)
      .join(', ')
}

const more = (left: number) => (left > 0 ? [`  and ${number(left)} more`] : [])
const number = (value: number) => value.toLocaleString('en')
const short = (name: string) => harmless(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name)
/** Names come from the data: nothing in them may steer the terminal. */
const harmless = (name: string) => name.replace(/\p{C}/gu, '\uFFFD')
/** Most frequent first, then by name. */
const ranked = (counts: Counts) => [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
