/** A file that is no NDJSON at all has a malformed record in each line: not all need naming. */
const MAX_PLACES = 10_000

type Packages = 'packages' | 'licences' | 'dependencies' | 'dependedOn'
export type Table = 'bytes' | 'workers' | 'malformed' | 'places' | Packages | 'types' | 'fields' | `types of ${string}`

/** How often each name occurred. The names come from the data, `__proto__` too: so these are Maps. */
export type Counts = Map<string, number>

/** What has been counted, table by table. */
export class Tally {
  readonly #tables = new Map<Table, Counts>()

  add(table: Table, name = '', times = 1): void {
    const counts = this.of(table)
    if (table === 'places' && counts.size >= MAX_PLACES) return
    this.#tables.set(table, counts.set(name, (counts.get(name) ?? 0) + times))
  }

  of(table: Table): Counts {
    return this.#tables.get(table) ?? new Map()
  }

  total(table: Table): number {
    return [...this.of(table).values()].reduce((sum, times) => sum + times, 0)
  }

  /** How many records could be read. */
  get records(): number {
    return this.total('workers') - this.total('malformed')
  }

  /** Adds what a worker has counted, which arrives as the JSON that `toJSON` made of it. */
  merge(part: ReturnType<Tally['toJSON']>): void {
    for (const [table, name, times] of part) this.add(table, name, times)
  }

  toJSON(): [Table, name: string, times: number][] {
    return [...this.#tables].flatMap(([table, counts]) => [...counts].map((count) => [table, ...count] as const))
  }
}
