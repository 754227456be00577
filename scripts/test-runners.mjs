// Runs the packed package under other test runners, with their fake timers and in their vm contexts. The last line
// counts the ways that passed.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformSync } from 'esbuild-wasm'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Outside node_modules, in which Jest finds no tests. */
const folder = mkdtempSync(join(tmpdir(), 'wormhole-runners-'))
/** An installation or a run that takes longer hangs, however busy the machine is. */
const MAX_MS = 300_000
const RUNNERS = ['jest@30', 'vitest@4', 'mocha@11', 'sinon@22']

const TEST = 'tests/uses.test.mjs'
const REQUIRED = 'tests/uses.test.cjs'
const jest = (config) => [
  '--experimental-vm-modules',
  'node_modules/jest/bin/jest.js',
  '--no-cache',
  '--config',
  config,
  TEST,
]
const JEST = jest('jest.json')
const JEST_GLOBALLY = jest('jest-globally.json')
const JEST_DEFAULT = ['node_modules/jest/bin/jest.js', REQUIRED]
const mocha = (test) => ['node_modules/mocha/bin/mocha.js', '--timeout', '60000', '--exit', test]
const MOCHA = mocha(TEST)
const vitest = (pool) => [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--globals',
  '--pool',
  pool,
  '--testTimeout',
  '60000',
  TEST,
]

/** What Jest says of something that it takes for unfinished, without failing. */
const OPEN_HANDLE = /open handle/

/** By name: the arguments of Node.js, and the environment of the tests. */
const ways = {
  'jest, default configuration': [JEST_DEFAULT],
  'jest, default configuration, --detectOpenHandles': [[...JEST_DEFAULT, '--detectOpenHandles']],
  jest: [JEST],
  'jest, --detectOpenHandles': [[...JEST, '--detectOpenHandles']],
  'jest, fake timers': [JEST, { FAKES: 'jest' }],
  'jest, legacy fake timers': [JEST, { FAKES: 'legacy' }],
  'jest, fake timers in its configuration': [JEST_GLOBALLY],
  'jest, resetModules()': [JEST, { RESET: '1' }],
  'vitest, threads': [vitest('threads')],
  'vitest, forks': [vitest('forks')],
  'vitest, vmThreads': [vitest('vmThreads')],
  'vitest, fake timers': [vitest('forks'), { FAKES: 'vitest' }],
  'vitest, fake timers before the import': [vitest('threads'), { FAKES: 'vitest', EARLY: '1' }],
  'mocha, require': [mocha(REQUIRED)],
  'mocha and sinon, fake timers': [MOCHA, { FAKES: 'sinon' }],
  'mocha and sinon, fake timers before the import': [MOCHA, { FAKES: 'sinon', EARLY: '1' }],
  'node:test': [['--test', TEST]],
  'node:test, require': [['--test', REQUIRED]],
  'node:test, mock timers': [['--test', TEST], { FAKES: 'node:test' }],
}

let failed = 0
try {
  install()
  const rows = {}
  for (const [name, [args, env = {}]] of Object.entries(ways)) {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, ...env, NO_COLOR: '1', FORCE_COLOR: undefined },
      encoding: 'utf8',
      timeout: MAX_MS,
    })
    const passed = status === 0 && !OPEN_HANDLE.test(stderr + stdout)
    rows[name] = passed ? 'passed' : 'failed'
    if (passed) continue
    failed++
    console.error(`${name}:\n${stdout}\n${stderr}`)
  }
  console.table(rows)
} finally {
  rmSync(folder, { recursive: true })
}
console.log(`${Object.keys(ways).length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** Installs the runners, and the packed package as a user does. */
function install() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const tests = join(folder, 'tests')
  mkdirSync(tests, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const config = { testEnvironment: 'node', transform: {}, testMatch: ['**/tests/*.test.mjs'], testTimeout: 60_000 }
  writeFileSync(join(folder, 'jest.json'), JSON.stringify(config))
  const globally = { ...config, fakeTimers: { enableGlobally: true } }
  writeFileSync(join(folder, 'jest-globally.json'), JSON.stringify(globally))
  for (const file of [TEST, REQUIRED]) cpSync(join(root, 'scripts/runners', basename(file)), join(folder, file))
  const compiled = join(root, 'out/test/runners')
  for (const file of readdirSync(compiled)) if (file.endsWith('.js')) cpSync(join(compiled, file), join(folder, file))
  writeFileSync(join(folder, 'uses.cjs'), commonJs(readFileSync(join(compiled, 'uses.js'), 'utf8')))
  const tarball = join(root, `build/wormhole-ipc-${version}.tgz`)
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
  const { status, stderr } = spawnSync('npm', ['install', ...options, ...RUNNERS, tarball], {
    cwd: folder,
    encoding: 'utf8',
    timeout: MAX_MS,
  })
  if (status !== 0) throw new Error(`the runners cannot be installed: ${stderr}`)
}

/** Makes a module CommonJS; its `import()` becomes `require()`, as Jest has it by default. */
function commonJs(text) {
  const url = 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;'
  const options = { format: 'cjs', platform: 'node', define: { 'import.meta.url': 'moduleUrl' }, banner: url }
  return transformSync(text, { ...options, supported: { 'dynamic-import': false } }).code
}
