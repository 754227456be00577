// Measures how long a fresh process takes, beyond Node's own start, to load this library and to receive a first
// message, from itself and from a child, or the result of a pool's first job: with the packed package, with this tree's
// single modules, and with packages that are installed elsewhere.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { medianSorted, quantileSorted } from 'simple-statistics'
import { find, majors } from './runtimes.mjs'

const usage = `npm run bench:start -- [--rounds N] [--all] [--most MS] [FOLDER ...]

  FOLDER       a package to measure as well, such as elsewhere/node_modules/wormhole-ipc
  --rounds N   how often each program runs, in turn with the others (25)
  --all        measure with every supported Node, instead of the one that runs this
  --most MS    fail if the packed package's median beyond Node's own start is longer
`
const { values, positionals } = parseArgs({
  options: {
    rounds: { type: 'string', default: '25' },
    all: { type: 'boolean', default: false },
    most: { type: 'string', default: 'Infinity' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
if (values.help) {
  process.stdout.write(usage)
  process.exit()
}

/** On a busy machine, the fastest tenth of the runs are those that other programs disturbed least. */
const TENTH = 0.1
const root = fileURLToPath(new URL('..', import.meta.url))
const packed = join(root, 'build/package')
const folder = mkdtempSync(join(tmpdir(), 'wormhole-start-'))

/** What a program that was measured ends with: it tells its processor time. */
const TOLD = `process.once('exit', () => {
  const { user, system } = process.cpuUsage()
  process.getBuiltinModule('node:fs').writeSync(1, String((user + system) / 1000))
})
`

/** Node.js 20 takes 40 ms to read such a file, whatever runs. */
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env

/** The empty program of each kind, with which the others are compared. */
const nothing = { import: write('nothing.mjs', ''), require: write('nothing.cjs', '') }
const PACKED = 'packed'
const programs = [
  { name: PACKED, kind: 'import', file: write('packed.mjs', imported(packed)) },
  { name: 'packed, required', kind: 'require', file: write('packed.cjs', required(packed)) },
  { name: 'packed, wormhole-ipc/process', kind: 'import', file: write('process.mjs', loaded(packed, './process')) },
  { name: 'packed, wormhole-ipc/socket', kind: 'import', file: write('socket.mjs', loaded(packed, './socket')) },
  { name: 'packed, wormhole-ipc/pool', kind: 'import', file: write('pool.mjs', loaded(packed, './pool')) },
  { name: 'packed, first reply of fork()', kind: 'import', file: write('fork.mjs', forked()) },
  { name: 'child_process.fork(), first reply', kind: 'import', file: write('node.mjs', forkedByNode()) },
  { name: "packed, a pool's first job", kind: 'import', file: write('job.mjs', pooled()) },
  { name: 'single modules', kind: 'import', file: write('single.mjs', imported(root)) },
  ...positionals.map((name, index) => {
    return { name, kind: 'import', file: write(`given-${index}.mjs`, imported(resolve(name))) }
  }),
]

try {
  if (!existsSync(packed)) throw new Error('there is no build/package: run npm run pack -- --partial')
  const nodes = values.all ? majors.map((major) => find(`node-${major}`)) : [process.execPath]
  for (const node of nodes.filter(Boolean)) {
    const rows = measure(node)
    console.log(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim())
    console.table(rows)
    if (rows[PACKED]['over nothing, ms'] > Number(values.most)) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}

function write(name, source) {
  const file = join(folder, name)
  writeFileSync(file, TOLD + source)
  return file
}

function imported(place) {
  return `${loaded(place, '.', '{ channel } from ')}
const [sender, receiver] = channel()
sender.send('first')
await receiver.recv()
`
}

function required(place) {
  return `const { channel } = require(${JSON.stringify(fileOf(place, '.', 'require'))})
const [sender, receiver] = channel()
sender.send('first')
receiver.recv()
`
}

function loaded(place, entry, names = '') {
  return `import ${names}${JSON.stringify(fileOf(place, entry, 'import'))}`
}

function forked() {
  const child = write(
    'child.mjs',
    `${loaded(packed, './process', '{ inherited } from ')}
const { done } = inherited()
await done.send('first')
process.removeAllListeners('exit')`
  )
  return `${loaded(packed, '.', '{ channel } from ')}
${loaded(packed, './process', '{ fork } from ')}
const [done, replies] = channel()
fork(${JSON.stringify(child)}, { channels: { done } })
await replies.recv()
`
}

function forkedByNode() {
  const child = write(
    'reply.mjs',
    `process.removeAllListeners('exit')\nprocess.send('first', () => process.disconnect())`
  )
  return `import { fork } from 'node:child_process'
await new Promise((resolve) => fork(${JSON.stringify(child)}).once('message', resolve))
`
}

function pooled() {
  const job = write('double.mjs', `process.removeAllListeners('exit')\nexport default (number) => 2 * number`)
  return `${loaded(packed, './pool', '{ pool } from ')}
const jobs = pool(${JSON.stringify(job)}, { size: 1 })
await jobs.run(21)
await jobs.close()
`
}

/** The file that Node.js takes for an entry of the package in `place`. */
function fileOf(place, entry, kind) {
  const { exports } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8'))
  const target = exports[entry]
  return join(place, target[kind]?.default ?? target.default)
}

/** Runs the programs in turn, so that other load slows all of them; each is compared with its round's empty one. */
function measure(node) {
  const bases = Object.values(nothing)
  const runs = new Map([...bases, ...programs.map(({ file }) => file)].map((file) => [file, []]))
  for (const file of runs.keys()) run(node, file)
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [file, list] of runs) list.push(run(node, file))
  }
  const of = (file, what) => runs.get(file).map((one) => one[what])
  return Object.fromEntries(
    programs.map(({ name, kind, file }) => {
      const base = of(nothing[kind], 'ms')
      const over = sorted(of(file, 'ms').map((time, round) => time - base[round]))
      const row = {
        'over nothing, ms': medianSorted(over),
        'from (quarter)': quantileSorted(over, 0.25),
        'to (quarter)': quantileSorted(over, 0.75),
        'of the fast tenth': quantileSorted(sorted(of(file, 'ms')), TENTH) - quantileSorted(sorted(base), TENTH),
        processor: medianSorted(sorted(of(file, 'processor'))) - medianSorted(sorted(of(nothing[kind], 'processor'))),
        'nothing, ms': medianSorted(sorted(base)),
      }
      return [name, Object.fromEntries(Object.entries(row).map(([column, ms]) => [column, Number(ms.toFixed(1))]))]
    })
  )
}

function sorted(numbers) {
  return [...numbers].sort((a, b) => a - b)
}

/** Returns the milliseconds that a program took, and those of processor time of its process. */
function run(node, file) {
  const began = performance.now()
  const { status, stdout, stderr } = spawnSync(node, [file], { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`${file}: ${stderr}`)
  return { ms: performance.now() - began, processor: Number(stdout) }
}
