// Runs tests with every supported Node, each from its package, and all with the same prebuilt addon. The last line
// counts the tests of all.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { find, majors } from './runtimes.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
/** A Node that takes longer hangs, however busy the machine is. */
const MAX_MS = 900_000
const { short } = parseArgs({ options: { short: { type: 'boolean', default: false } } }).values
/** With --short: the tests that use Node's own interfaces most. */
const CHOSEN = ['wire/abi', 'api/channel', 'descriptors/descriptors', 'api/diagnostics', 'process/start', 'api/sync']
/** Without it: all except those that take longest, or test the kernel, the codec and the documents rather than Node. */
const LEFT_OUT = [
  'api/garbage',
  'api/memory',
  'api/scale',
  'descriptors/close-on-exec',
  'docs/api-pages',
  'docs/documents',
  'docs/links',
  'examples/*',
  'hostile/*',
  'hostile/native-attack',
  'limits/*',
  'package/*',
  'process/kill',
  'soak/*',
  'types/*',
  'wire/property',
  'wire/wasm-debug',
]

const folder = mkdtempSync(join(tmpdir(), 'wormhole-nodes-'))
const rows = []
try {
  for (const major of majors) rows.push(run(major))
} finally {
  rmSync(folder, { recursive: true })
}
console.table(Object.fromEntries(rows.map(({ node, failures, ...row }) => [node, row])))
for (const { node, failures } of rows) for (const failure of failures) console.log(`${node}: ${failure}`)
const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 ? 0 : 1

function run(major) {
  const program = find(`node-${major}`)
  if (program === undefined) return broken(`Node ${major}`, 'cannot be installed')
  const began = performance.now()
  const report = join(folder, `${major}.json`)
  const specs = short ? CHOSEN.map((name) => `out/test/${name}.test.js`) : ['out/test/**/*.test.js']
  const args = ['node_modules/mocha/bin/mocha.js', ...specs, '--reporter', 'json']
  args.push(
    '--reporter-option',
    `output=${report}`,
    ...LEFT_OUT.flatMap((name) => ['--ignore', `out/test/${name}.test.js`])
  )
  // Without this, the addon that the tree has built would be found first.
  const env = { ...process.env, PREBUILDS_ONLY: '1' }
  const version = spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout.trim()
  const { status, stderr } = spawnSync(program, args, { cwd: root, env, encoding: 'utf8', timeout: MAX_MS })
  const told = parse(report)
  if (told === undefined) return broken(version, `mocha ended with ${status}: ${stderr}`)
  const { passes, failures, tests } = told.stats
  return {
    node: version,
    tests,
    passed: passes,
    failed: failures,
    seconds: Math.round((performance.now() - began) / 1000),
    result: status === 0 ? 'passed' : 'failed',
    failures: told.failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`),
  }
}

/** A Node that ran no test counts as one failure. */
function broken(node, why) {
  return { node, tests: 0, passed: 0, failed: 1, seconds: 0, result: 'failed', failures: [why] }
}

function parse(report) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    return undefined
  }
}
