// Makes the tarball that is published, build/wormhole-ipc-VERSION.tgz, and lists what it holds. Its modules are
// bundled in the files that scripts/pack/plan.mjs lists.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild-wasm'
import { bundleFile } from './pack/bundle.mjs'
import { changingNames, entryFiles, programOf, toCommonJs } from './pack/common-js.mjs'
import { entriesOf, programs, published } from './pack/entries.mjs'
import { copyFiles, mendLinks } from './pack/pages.mjs'
import { Plan } from './pack/plan.mjs'
import { writeTypes } from './pack/types.mjs'
import { fileOf, targets } from './prebuild/targets.mjs'

const { partial } = parseArgs({ options: { partial: { type: 'boolean', default: false } } }).values
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'build', 'package')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.values(entriesOf(manifest))
const PACKED_PROGRAM = '".mjs"'
const OPTIONS = {
  format: 'esm',
  platform: 'node',
  target: `node${manifest.engines.node.replace('>=', '')}`,
  logLevel: 'warning',
  define: { PACKED_PROGRAM },
}

const missing = targets.map(fileOf).filter((file) => !existsSync(join(root, file)))
if (missing.length === targets.length || (missing.length > 0 && !partial)) {
  const remedy = partial
    ? 'npm run build:prebuilds -- --host'
    : 'npm run build:prebuilds (or, to try it, pack --partial with what is there)'
  console.error(`pack: ${missing.join(', ')} missing: ${remedy}`)
  process.exit(2)
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const isSingleModule = (file) => file.startsWith(join(root, 'dist')) && /\.js$|\.d\.ts$/.test(file)
copyFiles(root, folder, ['README.md', 'LICENSE', ...manifest.files], isSingleModule)
mendLinks(folder, manifest)
writeTypes(join(root, 'dist'), join(folder, 'dist'), entries)
await writeCommonJs()
await writeModules()
const made = published(manifest)
for (const program of Object.values(made.bin)) chmodSync(join(folder, program), 0o755)
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(made, null, 2)}\n`)
execFileSync('npm', ['pack', folder, '--pack-destination', dirname(folder), '--loglevel', 'notice'], {
  cwd: root,
  stdio: 'inherit',
})

/** What says that the library cannot run comes first: esbuild does not keep the order of imports between the files it shares. */
function importOfCheck(files) {
  const check = files.find(({ text }) => text.includes('wormhole-ipc runs on Linux only'))
  if (check === undefined) throw new Error('pack: the check of the system is in no file')
  return `import "./${basename(check.path)}";\n`
}

/** Writes what Node loads: CommonJS, an ES module with the names of each entry, and the programs, which are ES modules. */
async function writeCommonJs() {
  const dist = join(folder, 'dist')
  const single = join(root, 'dist')
  const files = readdirSync(single, { recursive: true }).filter((name) => name.endsWith('.js'))
  const changing = changingNames(files.map((name) => readFileSync(join(single, name), 'utf8')))
  const plan = new Plan(single, entries)
  const wasm = JSON.stringify(readFileSync(join(single, 'wormhole.wasm'), 'base64'))
  const define = { PACKED_PROGRAM, PACKED_FILE: '__filename', PACKED_WASM: wasm }
  for (const file of [...plan.parts, ...plan.programs]) {
    const text = await bundleFile(plan, file, single, { ...OPTIONS, define })
    if (programs.includes(file)) write(join(dist, `${file}.mjs`), programOf(text, manifest.engines.node))
    else write(join(dist, `${file}.js`), toCommonJs(file, text, changing))
  }
  for (const entry of entries) {
    const { required, loader, module } = entryFiles(entry, plan.fileOf(entry), plan.exportsOf(entry))
    write(join(dist, `${entry}.js`), required)
    write(join(dist, `${entry}-import.js`), loader)
    write(join(dist, `${entry}.mjs`), module)
  }
}

/** Writes what bundlers take: esbuild decides which files its entries share. */
async function writeModules() {
  const outdir = join(folder, 'dist/esm')
  const { outputFiles } = await build({
    ...OPTIONS,
    entryPoints: entries.map((name) => join(root, 'dist', `${name}.js`)),
    outbase: join(root, 'dist'),
    outdir,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'shared-[hash]',
    bundle: true,
    splitting: true,
    minifyWhitespace: true,
    write: false,
  })
  for (const { path, text } of outputFiles) {
    const name = relative(outdir, path).replace(/\.mjs$/, '')
    write(path, entries.includes(name) ? `${importOfCheck(outputFiles)}${text}` : text)
  }
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
