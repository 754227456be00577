import type { Batch } from './records.js'
import { Tally } from './tally.js'

/** What the processes of the pool run: counts some records. */
export default function count({ kind, records }: Batch): Tally {
  const tally = new Tally()
  tally.add('workers', `${process.pid}`, records.length)
  for (const [place, text] of records) {
    tally.add('bytes', '', Buffer.byteLength(text))
    try {
      // Some editors begin a file with a byte order mark, which is not JSON.
      const record: unknown = JSON.parse(text.replace(/^\uFEFF/, ''))
      if (kind === 'packages') countManifest(tally, record)
      else countFields(tally, record)
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      tally.add('malformed')
      tally.add('places', place)
    }
  }
  return tally
}

function countManifest(tally: Tally, manifest: unknown): void {
  // Many packages hold a package.json that only says { "type": "module" }.
  if (!isObject(manifest) || !isText(manifest.name) || !isText(manifest.version)) return
  tally.add('packages')
  // Old manifests give the licence as { type, url }, or several of them.
  const given = [manifest.license ?? manifest.licenses].flat().map((one) => (isObject(one) ? one.type : one))
  tally.add('licences', given.filter(isText).join(' OR ') || 'none given')
  const dependencies = isObject(manifest.dependencies) ? Object.keys(manifest.dependencies) : []
  tally.add('dependencies', `${dependencies.length}`)
  for (const name of dependencies) tally.add('dependedOn', name)
}

function countFields(tally: Tally, record: unknown): void {
  tally.add('types', typeOf(record))
  for (const [field, value] of isObject(record) ? Object.entries(record) : []) {
    tally.add('fields', field)
    tally.add(`types of ${field}`, typeOf(value))
  }
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

const isObject = (value: unknown): value is Record<string, unknown> => typeOf(value) === 'object'
const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
