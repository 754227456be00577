// Makes the codec's other forms: plain TypeScript, and the WebAssembly module without SIMD.
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const made = `${root}out/bench/codec/`

/** Where the forms are: the compiled typescript.mts, and a module with the exports of dist/wormhole.wasm. */
export const paths = { typescript: `${made}typescript.mjs`, scalar: `${made}scalar.wasm` }

/** Builds both afresh, from assembly/ as it is. Rejects with what the compilers say. */
export async function build() {
  await mkdir(made, { recursive: true })
  await Promise.all([tool('tsc', ['-p', 'bench/codec/tsconfig.json']), buildScalar()])
}

// The same module but for the files that use SIMD, which have twins in scalar/. Should another come to use it, asc
// refuses it, as SIMD is off.
async function buildScalar() {
  const sources = `${made}assembly/`
  await rm(sources, { recursive: true, force: true })
  await cp(`${root}assembly`, sources, { recursive: true })
  await cp(`${root}bench/codec/scalar`, sources, { recursive: true })
  const config = JSON.parse(await readFile(`${root}asconfig.json`, 'utf8'))
  config.entries = ['assembly/index.ts']
  config.targets = { release: { ...config.targets.release, outFile: paths.scalar, textFile: `${made}scalar.wat` } }
  config.options.enable = config.options.enable.filter((feature) => feature !== 'simd')
  config.options.disable = ['simd']
  await writeFile(`${made}asconfig.json`, JSON.stringify(config))
  await tool('asc', ['--config', 'asconfig.json', '--target', 'release'], made)
}

async function tool(name, args, cwd = root) {
  try {
    await run(`${root}node_modules/.bin/${name}`, args, { cwd })
  } catch (error) {
    throw new Error(`${name} failed:\n${error.stdout}${error.stderr}`, { cause: error })
  }
}
