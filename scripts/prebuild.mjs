// Builds the package's addons, one for each kind of Linux, into prebuilds/, where node-gyp-build finds them; with
// --host, only the one for this machine. Fails if one needs newer libraries than scripts/prebuild/targets.mjs allows.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import prebuildify from 'prebuildify'
import { neededVersions, tooNew } from './prebuild/needs.mjs'
import { environmentOf, fileOf, targets, toolOf } from './prebuild/targets.mjs'

const { host } = parseArgs({ options: { host: { type: 'boolean', default: false } } }).values
const wanted = host ? targets.filter(({ arch, libc }) => arch === process.arch && libc === 'glibc') : targets
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const prebuilds = join(root, 'prebuilds')

const missing = wanted.filter((target) => !installed(target))
if (missing.length > 0) {
  const packages = [...new Set(missing.flatMap(({ needs }) => ['g++', ...needs]))]
  console.error(`prebuild: a compiler is missing; Debian: apt-get install ${packages.join(' ')}`)
  if (packages.some((one) => one.endsWith(':arm64')))
    console.error('(first: dpkg --add-architecture arm64; apt-get update)')
  process.exit(2)
}

// With --host the others stay, which an earlier run may have made.
if (!host) rmSync(prebuilds, { recursive: true, force: true })
const rows = []
for (const target of wanted) rows.push(await build(target))
console.table(Object.fromEntries(rows.map(({ addon, ...row }) => [addon, row])))
if (rows.some(({ fit }) => !fit)) {
  console.error('An addon needs newer libraries than the supported systems have.')
  process.exitCode = 1
}

async function build(target) {
  const { arch, libc } = target
  const folder = join(root, 'build', 'prebuild', `${arch}-${libc}`)
  stage(folder)
  // prebuildify passes its own environment to node-gyp.
  Object.assign(process.env, environmentOf(target))
  await promisify(prebuildify)({
    cwd: folder,
    out: root,
    arch,
    libc,
    name,
    napi: true,
    tagLibc: true,
    strip: true,
    stripBin: toolOf(target, 'strip'),
    targets: [process.versions.node],
    quiet: true,
  })
  const file = join(root, fileOf(target))
  const needed = neededVersions(file, toolOf(target, 'objdump'))
  return { addon: relative(root, file), bytes: statSync(file).size, ...needed, fit: tooNew(needed).length === 0 }
}

/** Copies what node-gyp reads to a folder of its own, so that the addon used by this tree's tests stays. */
function stage(folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const part of ['native', 'binding.gyp', 'package.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(relative(folder, join(root, 'node_modules')), join(folder, 'node_modules'))
}

function installed(target) {
  const compiler = spawnSync(toolOf(target, 'g++'), ['--version'])
  return (
    compiler.status === 0 && (target.libc !== 'musl' || existsSync(`/usr/include/${target.triplet}-musl/features.h`))
  )
}
