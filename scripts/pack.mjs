// Makes the tarball that is published, build/wormhole-ipc-VERSION.tgz, and lists what it holds. Its modules are
// bundled, one file for each entry and files that they share: Node takes about half a millisecond to load each.
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild-wasm'
import { fileOf, targets } from './prebuild/targets.mjs'

const { partial } = parseArgs({ options: { partial: { type: 'boolean', default: false } } }).values
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'build', 'package')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

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
for (const name of ['README.md', 'LICENSE', ...manifest.files]) {
  // Without the single modules, but with their types, which the entries' types import.
  cpSync(join(root, name), join(folder, name), { recursive: true, filter: (file) => !file.endsWith('.js') })
}
const entries = [
  // By itself, so that what it needs is not put together with what loads the addon.
  'core/supported',
  'index',
  'process',
  'socket',
  'calls',
  'pool',
  'nats',
  'process/runner',
  'pool/worker',
  'doctor/main',
  'doctor/peer',
]
dropTypes(join(folder, 'dist'), ['index', 'process', 'socket', 'calls', 'pool', 'nats'])
await build({
  entryPoints: entries.map((name) => join(root, 'dist', `${name}.js`)),
  outbase: join(root, 'dist'),
  outdir: join(folder, 'dist'),
  chunkNames: 'shared-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: `node${manifest.engines.node.replace('>=', '')}`,
  logLevel: 'warning',
})
for (const program of Object.values(manifest.bin)) chmodSync(join(folder, program), 0o755)
// Leaves out what only this tree needs. Without scripts, an installation can run none.
const { scripts, devDependencies, imports, ...published } = manifest
writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
execFileSync('npm', ['pack', folder, '--pack-destination', dirname(folder), '--loglevel', 'notice'], {
  cwd: root,
  stdio: 'inherit',
})

/** Removes the types that no entry's types need: users cannot import them. */
function dropTypes(top, entries) {
  const needed = new Set()
  const need = (file) => {
    if (needed.has(file)) return
    needed.add(file)
    for (const [, other] of readFileSync(file, 'utf8').matchAll(/(?:from |import |import\()['"](\.[^'"]+)\.js['"]/g)) {
      need(join(dirname(file), `${other}.d.ts`))
    }
  }
  for (const name of entries) need(join(top, `${name}.d.ts`))
  for (const name of readdirSync(top, { recursive: true })) {
    if (name.endsWith('.d.ts') && !needed.has(join(top, name))) rmSync(join(top, name))
  }
}
