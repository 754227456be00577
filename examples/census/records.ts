import { createReadStream } from 'node:fs'
import { opendir, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Even if each takes six bytes as JSON, a message holds them: it may have 64 MiB. */
const MAX_CHARACTERS = 8 * 1024 * 1024

/** Whether the records are manifests of packages, or lines of NDJSON. */
export type Kind = 'packages' | 'lines'

/** One record, still as text: the worker parses it. */
export interface Job {
  /** Where it is: `file`, or `file:line`. */
  place: string
  text: string
}

export interface Input {
  kind: Kind
  path: string
  /** Its files, found anew each time. */
  files: () => AsyncIterable<string>
}

/** Looks at what was named on the command line; without a name, at ./node_modules. */
export async function findInput(named: string | undefined): Promise<Input> {
  const path = named ?? 'node_modules'
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw new Error(
      named === undefined
        ? `no node_modules in ${process.cwd()}: run 'npm install' there, or name a file or folder of NDJSON`
        : `no such file or folder: ${path}`
    )
  })
  if (named === undefined) return { kind: 'packages', path, files: () => manifests(path) }
  if (!found.isDirectory()) return { kind: 'lines', path, files: () => only(path) }
  return { kind: 'lines', path, files: () => lineFiles(path) }
}

/** The records of an input, each read when it is asked for. */
export async function* records({ kind, files }: Input): AsyncGenerator<Job> {
  for await (const file of files()) {
    if (kind === 'packages') yield job(file, await readFile(file, 'utf8'))
    else yield* lines(file)
  }
}

/** The bytes of all files. */
export async function sizeOf(input: Input): Promise<number> {
  let bytes = 0
  for await (const file of input.files()) bytes += (await stat(file)).size
  return bytes
}

/** The lines of a file that are not blank. Not by node:readline, which also breaks lines at U+2028, inside JSON. */
async function* lines(file: string): AsyncGenerator<Job> {
  let number = 1
  let rest = ''
  for await (const chunk of createReadStream(file, 'utf8')) {
    const pieces = `${chunk}`.split('\n')
    for (const piece of pieces.slice(0, -1)) {
      const line = rest + piece
      rest = ''
      if (line.trim() !== '') yield job(`${file}:${number}`, line)
      number++
    }
    rest += pieces.at(-1)
    if (rest.length > MAX_CHARACTERS) break
  }
  if (rest.trim() !== '') yield job(`${file}:${number}`, rest)
}

function job(place: string, text: string): Job {
  if (text.length <= MAX_CHARACTERS) return { place, text }
  throw new Error(`${place} is longer than ${MAX_CHARACTERS} characters: is this NDJSON, one record a line?`)
}

/** Every package.json in a folder and the folders in it. Links are left out: what they lead to is counted there. */
async function* manifests(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* manifests(path)
    else if (entry.isFile() && entry.name === 'package.json') yield path
  }
}

async function* lineFiles(folder: string): AsyncGenerator<string> {
  const names = (await readdir(folder)).filter((name) => /\.(ndjson|jsonl)$/.test(name)).sort()
  if (names.length === 0) throw new Error(`no *.ndjson or *.jsonl file in the folder ${folder}`)
  for (const name of names) {
    const path = join(folder, name)
    if ((await stat(path)).isFile()) yield path
  }
}

async function* only(file: string): AsyncGenerator<string> {
  yield file
}
