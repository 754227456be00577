// Makes the tarball that is published, build/wormhole-ipc-VERSION.tgz, and lists what it holds. Its modules are
// bundled, one file for each entry and files that they share: Node takes about half a millisecond to load each.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild-wasm'
import { changingNames, importFiles, namesOf, programFiles, toCommonJs } from './pack/common-js.mjs'
import { apart, entriesOf, programs, published } from './pack/entries.mjs'
import { copyFiles, mendLinks } from './pack/pages.mjs'
import { writeTypes } from './pack/types.mjs'
import { fileOf, targets } from './prebuild/targets.mjs'

const { partial } = parseArgs({ options: { partial: { type: 'boolean', default: false } } }).values
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'build', 'package')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const entries = Object.values(entriesOf(manifest))

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

/** Bundles modules into `outdir`; returns what was made, by path. */
async function bundle(names, outdir, options = {}) {
  const { outputFiles } = await build({
    entryPoints: names.map((name) => join(root, 'dist', `${name}.js`)),
    outbase: join(root, 'dist'),
    outdir,
    chunkNames: 'shared-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: `node${manifest.engines.node.replace('>=', '')}`,
    logLevel: 'warning',
    write: false,
    ...options,
    define: { PACKED_PROGRAM: '".mjs"' },
  })
  return outputFiles.map(({ path, text }) => {
    const name = relative(outdir, path).replace(/\.m?js$/, '')
    return { path, text: entries.includes(name) ? `${importOfCheck(outputFiles)}${text}` : text }
  })
}

/** What says that the library cannot run comes first: esbuild does not keep the order of imports between the files it shares. */
function importOfCheck(files) {
  const check = files.find(({ text }) => text.includes('wormhole-ipc runs on Linux only'))
  if (check === undefined) throw new Error('pack: the check of the system is in no file')
  return `import "./${basename(check.path)}";\n`
}

/** Writes what Node loads: CommonJS, an ES module with the names of each entry, and the programs, which are ES modules. */
async function writeCommonJs() {
  const dist = join(folder, 'dist')
  const single = readdirSync(join(root, 'dist'), { recursive: true }).filter((name) => name.endsWith('.js'))
  const changing = changingNames(single.map((name) => readFileSync(join(root, 'dist', name), 'utf8')))
  const isProgram = (name) => programs.includes(name)
  const names = [...apart, ...entries, ...programs]
  for (const { path, text } of await bundle(names, dist)) {
    const name = relative(dist, path).replace(/\.js$/, '')
    const loaderFile = `${name}-import.js`
    if (isProgram(name)) {
      const { loader, program } = programFiles(loaderFile, text)
      write(join(dist, loaderFile), loader)
      write(join(dist, `${name}.mjs`), program)
      continue
    }
    write(path, toCommonJs(name, text, changing))
    if (!entries.includes(name)) continue
    const { loader, module } = importFiles(`${name}.js`, namesOf(text))
    write(join(dist, loaderFile), loader)
    write(join(dist, `${name}.mjs`), module)
  }
}

/** Writes what bundlers take. */
async function writeModules() {
  const outdir = join(folder, 'dist/esm')
  const options = { outExtension: { '.js': '.mjs' }, minifyWhitespace: true }
  for (const { path, text } of await bundle(entries, outdir, options)) write(path, text)
}

function write(file, text) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
