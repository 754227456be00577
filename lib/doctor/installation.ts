import { readFileSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reasonOf } from '../core/describe.js'
import { isError } from '../core/shapes.js'

/** A part of the library that is not JavaScript: the file that was loaded, or why none was. */
export interface Part {
  file: string | null
  bytes: number | null
  error: string | null
}

export interface Installation {
  version: string
  addon: Part
  wasm: Part
}

const root = realpathSync(fileURLToPath(new URL('../..', import.meta.url)))

/** Loads the library, which loads its addon and then its WASM, and finds out which files were loaded. */
export async function installation(): Promise<Installation> {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }
  const failure = await failureOf(() => import('../index.js'))
  const addon = mapped('.node')
  const wasm = join(root, 'dist/wormhole.wasm')
  if (failure === null) return { version, addon: loaded(addon), wasm: loaded(wasm) }
  // The failure is that of the first part not loaded.
  if (addon === undefined) return { version, addon: broken(failure), wasm: broken(failure) }
  return { version, addon: loaded(addon), wasm: broken(failure) }
}

async function failureOf(load: () => Promise<unknown>): Promise<string | null> {
  try {
    await load()
    return null
  } catch (error) {
    return reasons(error)
  }
}

function loaded(file: string | undefined): Part {
  return { file: file ?? null, bytes: file === undefined ? null : statSync(file).size, error: null }
}

function broken(error: string): Part {
  return { file: null, bytes: null, error }
}

/** Finds the file of this package that is mapped into this process (proc(5), maps), however it was resolved. */
function mapped(extension: string): string | undefined {
  const files = maps()
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
  return files.find((file) => file.startsWith(root) && file.endsWith(extension))
}

/** Returns an empty text if /proc is not mounted or cannot be read. */
function maps(): string {
  try {
    return readFileSync('/proc/self/maps', 'utf8')
  } catch {
    return ''
  }
}

/** Joins an error's message and those of its causes. */
export function reasons(error: unknown): string {
  if (!isError(error)) return reasonOf(error)
  const message = error.message.replace(/\s*\n\s*/g, ' ')
  return error.cause === undefined ? message : `${message}: ${reasons(error.cause)}`
}
