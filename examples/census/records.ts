import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { glob } from 'glob'
import split from 'split2'

/** A file without line breaks is no NDJSON: it shall not fill the memory. */
const MAX_CHARACTERS = 8 * 1024 * 1024
/** Enough that counting them costs more than sending them. */
const BATCH_CHARACTERS = 32 * 1024

export interface Input {
  /** Whether the records are manifests of packages, or lines of NDJSON. */
  kind: 'packages' | 'lines'
  path: string
  files: string[]
}

/** Some records, still as text: a worker parses them. Each has its place: `file`, or `file:line`. */
export type Batch = Pick<Input, 'kind'> & { records: [place: string, text: string][] }

/** Looks at what was named on the command line; without a name, at ./node_modules. */
export async function findInput(named: string | undefined): Promise<Input> {
  const [path, kind] = named === undefined ? (['node_modules', 'packages'] as const) : ([named, 'lines'] as const)
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    if (kind === 'lines') throw new Error(`no such file or folder: ${path}`)
    throw new Error(`no node_modules in ${process.cwd()}: run 'npm install' there, or name a file or folder of NDJSON`)
  })
  if (!found.isDirectory()) return { kind, path, files: [path] }
  const pattern = kind === 'lines' ? '*.{ndjson,jsonl}' : '**/package.json'
  const entries = await glob(pattern, { cwd: path, dot: true, withFileTypes: true })
  // Links are left out: what they lead to is counted where it is.
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(path, entry.relative()))
  if (kind === 'lines' && files.length === 0) throw new Error(`no *.ndjson or *.jsonl file in the folder ${path}`)
  return { kind, path, files: files.sort() }
}

/** The records of an input, each file read only when its turn comes. */
export async function* batches({ kind, files }: Input): AsyncGenerator<Batch> {
  let records: Batch['records'] = []
  let characters = 0
  for (const file of files) {
    for await (const record of kind === 'lines' ? lines(file) : [whole(file)]) {
      records.push(record)
      characters += record[1].length
      if (characters < BATCH_CHARACTERS) continue
      yield { kind, records }
      records = []
      characters = 0
    }
  }
  if (records.length > 0) yield { kind, records }
}

async function whole(file: string): Promise<[place: string, text: string]> {
  return [file, await readFile(file, 'utf8')]
}

/** The lines that are not blank. Not by node:readline, which also breaks lines at U+2028, inside JSON. */
async function* lines(file: string): AsyncGenerator<[place: string, text: string]> {
  let number = 0
  const place = () => `${file}:${++number}`
  const placed = split('\n', (text) => [place(), text], { maxLength: MAX_CHARACTERS })
  try {
    for await (const line of pipeline(createReadStream(file), placed, () => {})) if (line[1].trim() !== '') yield line
  } catch (error) {
    if ((error as Error).message !== 'maximum buffer reached') throw error
    throw new Error(`${place()} is longer than ${MAX_CHARACTERS} characters: is this NDJSON, one record a line?`)
  }
}
