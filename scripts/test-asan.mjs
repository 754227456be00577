// Runs the tests with the addon built under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer.
// With --short, leaves out the tests that mostly start programs. Fails if a test fails or any process has a report.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { buildAddon, buildFaulty, findRuntime } from './asan/build.mjs'
import { readReports } from './asan/reports.mjs'

const { short } = parseArgs({ options: { short: { type: 'boolean', default: false } } }).values

/** They start many programs, each several times slower than usual; the other tests make the same calls. */
const LEFT_OUT = [
  'api/memory',
  'api/merge-cost',
  'api/scale',
  'api/uncaught',
  'calls/python',
  'descriptors/close-on-exec',
  'docs/api-pages',
  'docs/documents',
  'docs/links',
  'examples/*',
  'examples/census',
  'hostile/[befnt]*',
  'limits/*',
  'nats/kill',
  'package/*',
  'pool/*',
  'process/child-*',
  'process/doctor',
  'process/fork-and-run',
  'process/start-*',
  'process/two-copies',
  'process/unsupported',
  'process/{exit,start}',
  'soak/*',
  'types/*',
  'wire/property',
  'wire/wasm-debug',
]

/** Node starts slowly under the sanitizers. */
const TIMEOUT_MS = 180_000

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const folder = join(root, 'build', 'asan')
buildAddon(root, folder)

const logs = mkdtempSync(join(tmpdir(), 'wormhole-asan-'))
process.on('exit', () => rmSync(logs, { recursive: true }))
const env = {
  ...process.env,
  LD_PRELOAD: findRuntime(),
  // node-gyp-build looks there first.
  WORMHOLE_IPC_PREBUILD: folder,
  ASAN_OPTIONS: `log_path=${join(logs, 'report')}:handle_sigill=1:detect_leaks=1`,
  // Node's own leaks must not change how it exits.
  LSAN_OPTIONS: 'exitcode=0',
}

checkSetup()
const ignored = short ? LEFT_OUT.flatMap((name) => ['--ignore', `out/test/${name}.test.js`]) : []
const mocha = spawn('mocha', ['out/test/**/*.test.js', '--timeout', String(TIMEOUT_MS), ...ignored], {
  cwd: root,
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
})
const exited = once(mocha, 'exit')

// Mocha's summary is printed last, after the sanitizers' reports.
const summary = []
for await (const line of createInterface({ input: mocha.stdout })) {
  if (summary.length > 0 || /^ +\d+ passing/.test(line)) summary.push(line)
  else console.log(line)
}
const [code] = await exited

const { errors, leaks, othersLeaks } = readReports(logs)
for (const report of [...errors, ...leaks]) console.log(report)
console.log(
  `Sanitizers: ${errors.length} errors, ${leaks.length} leaks of the addon (${othersLeaks} of Node and others)\n`
)
console.log(summary.join('\n'))
if (code !== 0 || errors.length > 0 || leaks.length > 0) process.exitCode = 1

/** Throws unless each sanitizer's report of a planted error is found, and Node loads the addon built for them. */
function checkSetup() {
  const faulty = buildFaulty(folder)
  spawnSync(faulty, [], { env })
  spawnSync(faulty, ['overflow'], { env })
  const { errors: planted } = readReports(logs)
  for (const what of ['heap-buffer-overflow', 'ILL']) {
    if (!planted.some((report) => report.includes(`AddressSanitizer: ${what}`)))
      throw new Error(`a planted error was not reported: ${what}`)
  }
  for (const name of readdirSync(logs)) rmSync(join(logs, name))
  const look = `import('wormhole-ipc').then(() => console.log(fs.readFileSync('/proc/self/maps', 'utf8')))`
  const { stdout } = spawnSync(process.execPath, ['-e', look], { cwd: root, env, encoding: 'utf8' })
  if (!stdout.includes(join(folder, 'build'))) throw new Error('Node does not load the addon built with the sanitizers')
}
