// Compiles the native yardsticks: C with gcc, Rust with rustc, nothing but their standard libraries.
import { execFile } from 'node:child_process'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = fileURLToPath(new URL('.', import.meta.url))
const COMPILE_MS = 120_000

const languages = {
  rust: { compiler: 'rustc', flags: ['--edition', '2021', '-O'], sources: (files) => files.filter(isMain) },
  c: { compiler: 'gcc', flags: ['-O2'], sources: (files) => files.filter((file) => file.endsWith('.c')) },
}

/**
 * Compiles what is older than its sources. Resolves to the path of each executable, and for each that there is
 * none of, the reason.
 * @returns {Promise<{ rust?: string, c?: string, reasons: string[] }>}
 */
export async function build() {
  await mkdir(`${here}build`, { recursive: true })
  const built = { reasons: [] }
  for (const language of Object.keys(languages)) {
    try {
      built[language] = await executable(language)
    } catch (error) {
      built.reasons.push(`${language}: ${reason(language, error)}`)
    }
  }
  return built
}

async function executable(language) {
  const { compiler, flags, sources } = languages[language]
  const folder = `${here}${language}/`
  const files = (await readdir(folder)).map((file) => folder + file)
  const target = `${here}build/${language}`
  if (await isNewer(target, [...files, fileURLToPath(import.meta.url)])) return target
  // Under a name of its own until it is whole: another process may be building, or running the old one.
  const fresh = `${target}.${process.pid}`
  try {
    await run(compiler, [...flags, ...sources(files), '-o', fresh], { timeout: COMPILE_MS })
    await rename(fresh, target)
  } finally {
    await rm(fresh, { force: true })
  }
  return target
}

async function isNewer(target, files) {
  const made = await modified(target)
  const changed = await Promise.all(files.map(modified))
  return made > Math.max(...changed)
}

/** When a file was last written, in milliseconds; 0 for one that is not there. */
async function modified(file) {
  const stats = await stat(file).catch(() => undefined)
  return stats?.mtimeMs ?? 0
}

function isMain(file) {
  return file.endsWith('/main.rs')
}

function reason(language, error) {
  const { compiler } = languages[language]
  if (error.code === 'ENOENT') return `there is no ${compiler} here`
  return error.killed ? `${compiler} took longer than ${COMPILE_MS / 1000} s` : (error.stderr || error.message).trim()
}
