import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { fixture } from '../helpers/child.js'
import { chosen, LONG } from '../helpers/long.js'

/** Long after any of these programs has ended: what would start itself for ever is ended with all that it started. */
const PATIENCE_MS = 20_000
const library = fileURLToPath(import.meta.resolve('wormhole-ipc/process'))
const functions = fixture('functions')

describe('forkAndRun and fork start one process, however this program was started', function () {
  this.timeout(2 * PATIENCE_MS)
  let folder: string
  let count = 0

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'wormhole-again-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  interface Ended {
    /** How often the program began. */
    begun: number
    stdout: string
    stderr: string
  }

  /** A program that notes each of its starts, and prints what the function answers or the error. */
  function programs() {
    const log = join(folder, `log-${count++}`)
    const note = `require('node:fs').appendFileSync(${JSON.stringify(log)}, 'x')`
    const call = (of = 'sum') =>
      `import(${JSON.stringify(pathToFileURL(library).href)}).then(({ forkAndRun }) => forkAndRun(${JSON.stringify(functions)}, [1, 2], { export: '${of}' })).then((r) => console.log('result', r), (e) => console.log(e.code, e.message))`
    const common = `${note}; ${call()}; 0`
    const esm = `import { createRequire } from 'node:module'; const require = createRequire('/'); ${note}; await ${call()}`
    return { log, common, esm, note, call }
  }

  function file(name: string, text: string): string {
    const path = join(folder, `${count++}-${name}`)
    writeFileSync(path, text)
    return path
  }

  async function begin(
    log: string,
    args: string[],
    input = '',
    env = process.env,
    program = process.execPath
  ): Promise<Ended> {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env })
    child.stdin.on('error', () => undefined).write(input)
    // The REPL does not wait for what it has begun.
    if (!args.includes('-i')) child.stdin.end()
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      stderr += text
    })
    // Its own group: ends those that it would have started.
    const giveUp = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), PATIENCE_MS)
    await once(child, 'close')
    clearTimeout(giveUp)
    return { begun: existsSync(log) ? readFileSync(log).length : 0, stdout, stderr }
  }

  const ways: Record<string, (code: ReturnType<typeof programs>) => { args: string[]; input?: string }> = {
    '-e': ({ common }) => ({ args: ['-e', common] }),
    '--eval': ({ common }) => ({ args: ['--eval', common] }),
    '--eval=': ({ common }) => ({ args: [`--eval=${common}`] }),
    '-p': ({ common }) => ({ args: ['-p', common] }),
    '-pe': ({ common }) => ({ args: ['-pe', common] }),
    '-p -e': ({ common }) => ({ args: ['-p', '-e', common] }),
    '--print': ({ common }) => ({ args: ['--print', common] }),
    '--input-type=module -e': ({ esm }) => ({ args: ['--input-type=module', '-e', esm] }),
    '--input_type module --eval': ({ esm }) => ({ args: ['--input_type', 'module', '--eval', esm] }),
    'standard input': ({ common }) => ({ args: [], input: common }),
    '- and a module': ({ esm }) => ({ args: ['--input-type=module', '-'], input: esm }),
    'the REPL': ({ common }) => ({
      args: ['-i'],
      input: `${common.replace(/; 0$/, '.finally(() => process.exit())')}\n`,
    }),
    'a worker thread of -e': ({ common }) => ({
      args: ['-e', `new (require('node:worker_threads').Worker)(${JSON.stringify(common)}, { eval: true })`],
    }),
    'a worker with execArgv': ({ common }) => ({
      args: [
        '-e',
        `new (require('node:worker_threads').Worker)(${JSON.stringify(common)}, { eval: true, execArgv: ['--no-warnings'] })`,
      ],
    }),
    '--inspect with -e': ({ common }) => ({ args: ['--inspect=0', '-e', `${common}`] }),
    'node:test': ({ esm }) => ({
      args: ['--test', '--test-reporter=tap', file('a.test.mjs', esm)],
    }),
  }
  /** Other spellings of what is tried. */
  const synonyms = [
    '--eval',
    '--eval=',
    '-pe',
    '-p',
    '--inspect with -e',
    '--print',
    '--input_type module --eval',
    'a worker with execArgv',
  ]
  for (const [name, way] of Object.entries(ways)) {
    if (!LONG && synonyms.includes(name)) continue
    it(`${name}: the function runs`, async () => {
      const code = programs()
      const { args, input } = way(code)
      const { begun, stdout, stderr } = await begin(code.log, args, input)
      expect(stdout, stderr).to.include('result 3')
      expect(begun).to.equal(1)
    })
  }

  const carried: Record<string, (code: ReturnType<typeof programs>) => string[]> = {
    '--import': ({ esm }) => ['--import', file('setup.mjs', esm)],
    '--import of a module that does not wait': ({ esm }) => [
      '--import',
      file('setup.mjs', esm.replace('await import', 'import')),
    ],
    '--require': ({ common }) => ['--require', file('setup.cjs', common)],
    '-r, and the call comes late': ({ common }) => [
      '-r',
      file(
        'setup.cjs',
        common
          .replace('import(', 'new Promise((r) => setTimeout(r, 50)).then(() => import(')
          .replace(').then(({', ')).then(({')
      ),
    ],
  }
  for (const [name, way] of Object.entries(carried)) {
    it(`${name} carries the call along: the function runs or the call rejects, once`, async () => {
      const code = programs()
      const { begun, stdout, stderr } = await begin(code.log, [...way(code), file('main.cjs', '')])
      expect(stdout, stderr).to.match(/result 3|ERR_WORMHOLE_(CHILD_EXITED|UNSUPPORTED)/)
      // This process and its one child both load what they are told to.
      expect(begun, stdout).to.equal(2)
    })
  }

  it('-r carries the call along, which comes while the function runs: once', async () => {
    const { log, note } = programs()
    const module = file('again.mjs', 'export default async () => { await globalThis.again(); return 3 }')
    const call = `import(${JSON.stringify(pathToFileURL(library).href)}).then(({ forkAndRun }) => forkAndRun(${JSON.stringify(module)})).then((r) => console.log('result', r), (e) => console.log(e.code, e.message))`
    const setup = file(
      'setup.cjs',
      `${note}; globalThis.again = () => ${call}; if (process.argv[1].endsWith('main.cjs')) again()`
    )
    const { begun, stdout, stderr } = await begin(log, ['-r', setup, file('main.cjs', '')])
    expect(stdout).to.include('start processes without end')
    expect(stdout, stderr).to.include('result 3')
    expect(begun, stdout).to.equal(2)
  })

  it('NODE_OPTIONS carries the call along: once', async () => {
    const code = programs()
    const NODE_OPTIONS = `--require=${file('setup.cjs', code.common)}`
    const { begun, stdout, stderr } = await begin(code.log, [file('main.cjs', '')], '', {
      ...process.env,
      NODE_OPTIONS,
    })
    expect(stdout, stderr).to.match(/result 3|ERR_WORMHOLE_(CHILD_EXITED|UNSUPPORTED)/)
    expect(begun).to.equal(2)
  })

  it('a preload that throws what its call rejects with: the call here says why', async () => {
    const { log, note } = programs()
    const esm = `import { createRequire } from 'node:module'; const require = createRequire('/'); ${note}
      import { forkAndRun } from ${JSON.stringify(pathToFileURL(library).href)}
      await forkAndRun(${JSON.stringify(functions)}, [1], { export: 'sum', stderr: 'pipe' })`
    const { begun, stderr } = await begin(log, ['--import', file('setup.mjs', esm), file('main.cjs', '')])
    expect(stderr).to.include('start processes without end').and.include('ERR_WORMHOLE_CHILD_EXITED')
    expect(begun).to.equal(2)
  })

  it('a module whose top level runs itself is told so', async () => {
    const { log, note } = programs()
    const esm = `import { createRequire } from 'node:module'; const require = createRequire('/'); ${note}
      import { forkAndRun } from ${JSON.stringify(pathToFileURL(library).href)}
      export default () => 3
      console.log('result', await forkAndRun(import.meta.url).catch((e) => e.message))`
    const { begun, stdout } = await begin(log, [file('self.mjs', esm)])
    expect(stdout).to.include('the top level of').and.include('start processes without end')
    expect(begun).to.equal(2)
  })

  it('a function may run itself, as deep as it likes', async () => {
    const { log, note } = programs()
    const esm = `import { createRequire } from 'node:module'; const require = createRequire('/'); ${note}
      import { forkAndRun } from ${JSON.stringify(pathToFileURL(library).href)}
      export default async function depth(n) { return n === 0 ? 0 : 1 + (await forkAndRun(import.meta.url, n - 1)) }`
    const module = file('deep.mjs', esm)
    const main = `import(${JSON.stringify(pathToFileURL(library).href)}).then(async ({ forkAndRun }) => console.log('result', await forkAndRun(${JSON.stringify(module)}, 3)))`
    const { begun, stdout } = await begin(log, ['-e', main])
    expect(stdout).to.include('result 3')
    expect(begun).to.equal(4)
  })

  for (const args of chosen(2, [['-p', '-e'], ['--input-type=commonjs', '--eval'], ['-e'], ['--print']])) {
    it(`fork under ${args.join(' ')} runs the file`, async () => {
      const { log, note } = programs()
      const module = file('child.cjs', "console.log('result 3')")
      const code = `${note}; import(${JSON.stringify(pathToFileURL(library).href)}).then(({ fork }) => fork(${JSON.stringify(module)})); 0`
      const { begun, stdout } = await begin(log, [...args, code])
      expect([stdout.includes('result 3'), begun]).to.deep.equal([true, 1])
    })
  }

  it('a single executable: the call rejects, and runs where another Node.js is named', async function () {
    const [major = 0] = process.versions.node.split('.').map(Number)
    if (major < 26) return this.skip()
    const { log, note, call } = programs()
    const body = call().replace("{ export: 'sum' }", "{ export: 'sum', execPath: process.env.TEST_NODE || undefined }")
    const require_ = "const { createRequire } = require('node:module')"
    const load = `${require_}; const load = createRequire(${JSON.stringify(library)})`
    const main = file(
      'sea.cjs',
      `${load}; ${note}; ${body.replace(/^import\(".*?"\)/, `Promise.resolve(load(${JSON.stringify(library)}))`)}`
    )
    const output = join(folder, 'sea')
    const config = file('sea.json', JSON.stringify({ main, output, disableExperimentalSEAWarning: true }))
    await once(spawn(process.execPath, ['--build-sea', config], { stdio: 'ignore' }), 'close')
    const alone = await begin(log, [], '', process.env, output)
    expect(alone.stdout, alone.stderr).to.include('ERR_WORMHOLE_UNSUPPORTED').and.include('single executable')
    const named = await begin(log, [], '', { ...process.env, TEST_NODE: process.execPath }, output)
    expect(named.stdout, named.stderr).to.include('result 3')
    expect(named.begun).to.equal(2)
  })

  it('a single executable: a pool is refused', async function () {
    const [major = 0] = process.versions.node.split('.').map(Number)
    if (major < 26) return this.skip()
    const { log, note } = programs()
    const entry = JSON.stringify(fileURLToPath(new URL('../../../dist/pool.js', import.meta.url)))
    const main = file(
      'sea-pool.cjs',
      `${note}; const { pool } = require('node:module').createRequire(${entry})(${entry})
try { pool('./job.js') } catch (error) { console.log(error.code, error.message) }`
    )
    const output = join(folder, 'sea-pool')
    const config = file('sea-pool.json', JSON.stringify({ main, output, disableExperimentalSEAWarning: true }))
    await once(spawn(process.execPath, ['--build-sea', config], { stdio: 'ignore' }), 'close')
    const { stdout, stderr, begun } = await begin(log, [], '', process.env, output)
    expect(stdout, stderr).to.match(/^ERR_WORMHOLE_UNSUPPORTED .*single executable.*a pool needs/)
    expect(begun).to.equal(1)
  })
})
