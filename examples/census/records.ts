import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

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
  const [path, kind, wanted] =
    named === undefined
      ? (['node_modules', 'packages', /^package\.json$/] as const)
      : ([named, 'lines', /\.(ndjson|jsonl)$/] as const)
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    if (kind === 'lines') throw new Error(`no such file or folder: ${path}`)
    throw new Error(`no node_modules in ${process.cwd()}: run 'npm install' there, or name a file or folder of NDJSON`)
  })
  if (!found.isDirectory()) return { kind, path, files: [path] }
  const files = await filesIn(path, wanted, kind === 'packages')
  if (kind === 'lines' && files.length === 0) throw new Error(`no *.ndjson or *.jsonl file in the folder ${path}`)
  return { kind, path, files }
}

/** Links are left out: what they lead to is counted where it is. A recursive readdir() follows them in some versions. */
async function filesIn(folder: string, wanted: RegExp, deep: boolean): Promise<string[]> {
  const files: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (deep && entry.isDirectory()) files.push(...(await filesIn(path, wanted, deep)))
    else if (entry.isFile() && wanted.test(entry.name)) files.push(path)
  }
  return files.sort()
}

/** The records of an input, each file read only when its turn comes. */
export async function* batches({ kind, files }: Input): AsyncGenerator<Batch> {
  let records: Batch['records'] = []
  let characters = 0
  for (const file of files) {
    for await (const [place, text] of kind === 'lines'
      ? lines(file)
      : [[file, await readFile(file, 'utf8')] as const]) {
      records.push([place, text])
      characters += text.length
      if (characters < BATCH_CHARACTERS) continue
      yield { kind, records }
      records = []
      characters = 0
    }
  }
  if (records.length > 0) yield { kind, records }
}

/** The lines that are not blank. Not by node:readline, which also breaks lines at U+2028, inside JSON. */
async function* lines(file: string): AsyncGenerator<[place: string, text: string]> {
  let number = 1
  let rest = ''
  for await (const chunk of createReadStream(file, 'utf8')) {
    const [first, ...others] = `${chunk}`.split('\n')
    const whole = [rest + first, ...others]
    rest = whole.pop()!
    for (const line of whole) {
      if (line.trim() !== '') yield [`${file}:${number}`, line]
      number++
    }
    if (rest.length <= MAX_CHARACTERS) continue
    throw new Error(`${file}:${number} is longer than ${MAX_CHARACTERS} characters: is this NDJSON, one record a line?`)
  }
  if (rest.trim() !== '') yield [`${file}:${number}`, rest]
}
