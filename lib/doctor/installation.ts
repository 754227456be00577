import { readFileSync, realpathSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** A part of the library that is not JavaScript: the file that was loaded, or why there is none. */
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

/** Loads the addon and then the WASM, which needs it, and finds out which files that were. */
export async function installation(): Promise<Installation> {
  const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version: string }
  const addon = await part(async () => {
    await import('../native.js')
    return mapped('.node')
  })
  const wasm = await part(async () => {
    await import('../wasm.js')
    const { wasmFile } = await import('../package-files.js')
    return wasmFile
  })
  return { version, addon, wasm }
}

async function part(load: () => Promise<string | undefined>): Promise<Part> {
  try {
    const file = await load()
    if (file === undefined) return { file: null, bytes: null, error: null }
    return { file, bytes: statSync(file).size, error: null }
  } catch (error) {
    return { file: null, bytes: null, error: reasons(error) }
  }
}

/** The file of this package that is mapped into this process (proc(5), maps), whichever way it was found. */
function mapped(extension: string): string | undefined {
  const files = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .map((line) => line.slice(line.indexOf('/')))
  return files.find((file) => file.startsWith(root) && file.endsWith(extension))
}

/** What an error says, and what caused it. */
export function reasons(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const message = error.message.replace(/\s*\n\s*/g, ' ')
  return error.cause === undefined ? message : `${message}: ${reasons(error.cause)}`
}
