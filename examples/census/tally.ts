import type { Job, Kind } from './records.js'

/** A file that is no NDJSON at all has a malformed record in each line: not all need naming. */
const MAX_PLACES = 10_000

/** How often each name occurred. */
export type Counts = Record<string, number>

/** What has been counted. Plain JSON, so that a worker can send it. */
export interface Tally {
  /** Records that were dealt with, malformed ones too. */
  taken: number
  /** The bytes of their text. */
  bytes: number
  malformed: number
  /** Where the malformed ones are, unless there are too many. */
  places: string[]
  /** Manifests with a name and a version. */
  packages: number
  licences: Counts
  /** How many packages have 0, 1, 2, ... dependencies. */
  dependencies: Counts
  dependedOn: Counts
  /** What the records are: mostly objects. */
  types: Counts
  /** Of each field, the types of its values. */
  fields: Record<string, Counts>
}

/** What a worker sends: what it has counted since it sent the last. */
export interface Result {
  worker: number
  tally: Tally
}

export function emptyTally(): Tally {
  return {
    taken: 0,
    bytes: 0,
    malformed: 0,
    places: [],
    packages: 0,
    licences: byName(),
    dependencies: byName(),
    dependedOn: byName(),
    types: byName(),
    fields: byName(),
  }
}

/** Counts one record. */
export function count(tally: Tally, kind: Kind, { place, text }: Job): void {
  tally.taken++
  tally.bytes += Buffer.byteLength(text)
  let record: unknown
  try {
    // Some editors begin a file with a byte order mark, which is not JSON.
    record = JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text)
  } catch {
    tally.malformed++
    if (tally.places.length < MAX_PLACES) tally.places.push(place)
    return
  }
  if (kind === 'packages') countManifest(tally, record)
  else countFields(tally, record)
}

/** Adds what another process counted. */
export function merge(total: Tally, part: Tally): void {
  total.taken += part.taken
  total.bytes += part.bytes
  total.packages += part.packages
  total.malformed += part.malformed
  total.places.push(...part.places.slice(0, MAX_PLACES - total.places.length))
  addAll(total.licences, part.licences)
  addAll(total.dependencies, part.dependencies)
  addAll(total.dependedOn, part.dependedOn)
  addAll(total.types, part.types)
  for (const [field, types] of Object.entries(part.fields)) addAll(typesOf(total, field), types)
}

function countManifest(tally: Tally, manifest: unknown): void {
  // Many packages hold a package.json that only says { "type": "module" }.
  if (!isObject(manifest) || !isText(manifest.name) || !isText(manifest.version)) return
  tally.packages++
  add(tally.licences, licenceOf(manifest))
  const dependencies = isObject(manifest.dependencies) ? Object.keys(manifest.dependencies) : []
  add(tally.dependencies, String(dependencies.length))
  for (const name of dependencies) add(tally.dependedOn, name)
}

/** The licence, also as old manifests give it: { type, url }, or several of them. */
function licenceOf({ license, licenses }: Record<string, unknown>): string {
  const given = license ?? licenses
  const names = (Array.isArray(given) ? given : [given]).map((one) => (isObject(one) ? one.type : one))
  return names.filter(isText).join(' OR ') || 'none given'
}

function countFields(tally: Tally, record: unknown): void {
  add(tally.types, typeOf(record))
  if (!isObject(record)) return
  for (const [field, value] of Object.entries(record)) add(typesOf(tally, field), typeOf(value))
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function typesOf(tally: Tally, field: string): Counts {
  tally.fields[field] ??= byName()
  return tally.fields[field]
}

function add(counts: Counts, name: string, times = 1): void {
  counts[name] = (counts[name] ?? 0) + times
}

function addAll(counts: Counts, more: Counts): void {
  for (const [name, times] of Object.entries(more)) add(counts, name, times)
}

/** The names come from the data: without a prototype, `constructor` and `__proto__` are like any other. */
function byName<V>(): Record<string, V> {
  return Object.create(null)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
