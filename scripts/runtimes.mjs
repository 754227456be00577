// Installs other Nodes and other runtimes from the packages that carry their binaries, under node_modules/.cache.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CACHE = fileURLToPath(new URL('../node_modules/.cache/runtimes', import.meta.url))
const INSTALL_MS = 180_000

/** The supported major versions of Node. */
export const majors = ['20', '22', '24', '26']

const runtimes = {
  ...Object.fromEntries(majors.map((major) => [`node-${major}`, node(major, process.arch)])),
  // Older than the library supports.
  'node-20.0': node('20.0', process.arch),
  'node-arm64': node('22', 'arm64'),
  bun: { package: `@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : process.arch}`, file: 'bin/bun' },
  deno: { package: `@deno/linux-${process.arch}-glibc`, file: 'deno' },
}

/** Returns the path of a runtime's program, installing it if needed; prints why and returns undefined if it fails. */
export function find(name) {
  const runtime = runtimes[name]
  const folder = join(CACHE, name)
  const program = join(folder, 'node_modules', runtime.package, runtime.file)
  if (existsSync(program)) return program
  const wanted = `${runtime.package}@${runtime.version ?? 'latest'}`
  // --force: also for a package of another architecture. No scripts: the binary is in the package.
  const options = ['--prefix', folder, '--no-save', '--ignore-scripts', '--force', '--no-audit', '--no-fund']
  const { status, stderr } = spawnSync('npm', ['install', ...options, wanted], {
    encoding: 'utf8',
    timeout: INSTALL_MS,
  })
  if (status === 0 && existsSync(program)) return program
  console.error(`${name}: ${wanted} cannot be installed: ${stderr?.trim().split('\n').at(-1)}`)
  return undefined
}

function node(major, arch) {
  return { package: `node-linux-${arch}`, version: major, file: 'bin/node' }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const program = find(process.argv[2])
  if (program === undefined) process.exitCode = 1
  else console.log(program)
}
