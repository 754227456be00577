/** A file that is no NDJSON at all has a malformed record in each line: not all need naming. */
const MAX_PLACES = 10_000

type Packages = 'licences' | 'dependencies' | 'dependedOn'
type Lines = 'types' | 'fields' | `types of ${string}`
type Table = 'totals' | 'workers' | 'places' | Packages | Lines

/** How often each name occurred, table by table. The names come from the data, `__proto__` too: so these are Maps. */
export type Counts = Map<string, number>

/** What has been counted. A worker returns it as the JSON that `toJSON` makes of it. */
export class Tally {
  readonly #tables = new Map<Table, Counts>()

  add(table: Table, name: string, times = 1): void {
    const counts = this.of(table)
    if (table === 'places' && counts.size >= MAX_PLACES) return
    this.#tables.set(table, counts.set(name, (counts.get(name) ?? 0) + times))
  }

  of(table: Table): Counts {
    return this.#tables.get(table) ?? new Map()
  }

  total(name: 'records' | 'bytes' | 'malformed' | 'packages'): number {
    return this.of('totals').get(name) ?? 0
  }

  /** Adds what a worker has counted. */
  merge(part: ReturnType<Tally['toJSON']>): void {
    for (const [table, counts] of part) for (const [name, times] of counts) this.add(table, name, times)
  }

  toJSON(): [Table, [name: string, times: number][]][] {
    return [...this.#tables].map(([table, counts]) => [table, [...counts]])
  }
}
