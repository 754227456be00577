import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { start } from '../helpers/child.js'
import { root } from '../helpers/doctor.js'
import { skipUnderAsan } from '../helpers/under-asan.js'

const ENTRIES = ['index', 'process', 'socket', 'calls', 'pool', 'listen', 'nats']
const permission = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'
const readable = `--allow-fs-read=${root}*`

describe('where the library cannot run, each entry says why and what to do', () => {
  let folder: string
  let main: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'wormhole-unsupported-'))
    main = join(folder, 'main.mjs')
    const urls = ENTRIES.map((entry) => pathToFileURL(join(root, `dist/${entry}.js`)).href)
    writeFileSync(
      main,
      `for (const url of ${JSON.stringify(urls)}) await import(url).then(() => console.log('loaded'), (e) => console.log(e.name, e.code, e.message))`
    )
    writeFileSync(join(folder, 'old.cjs'), 'delete process.getBuiltinModule')
    writeFileSync(
      join(folder, 'worker.mjs'),
      `import { Worker } from 'node:worker_threads'; new Worker(${JSON.stringify(main)})`
    )
  })
  after(() => rmSync(folder, { recursive: true }))

  async function lines(command: string, args: string[]): Promise<string[]> {
    const { stdout, stderr } = await start(command, args).ended
    const said = stdout.trimEnd().split('\n')
    expect(said, stderr).to.have.lengthOf(ENTRIES.length)
    return said
  }

  async function refused(args: string[], reason: RegExp, command = process.execPath, needless = ''): Promise<void> {
    for (const [index, line] of (await lines(command, args)).entries()) {
      if (ENTRIES[index] === needless) continue
      expect(line)
        .to.match(/^WormholeError ERR_WORMHOLE_UNSUPPORTED /)
        .and.match(reason)
    }
  }

  it('without WebAssembly', () => refused(['--jitless', main], /without --jitless/))

  it('in a Node.js that is too old', () =>
    refused(['-r', join(folder, 'old.cjs'), main], /needs Node\.js 20\.19 or later; this is v/))

  it('with too little address space', function () {
    skipUnderAsan(this, 'it needs terabytes of address space itself')
    return refused(
      ['-c', 'ulimit -v 4000000; exec "$0" "$@"', process.execPath, main],
      /address space.*ulimit -v/,
      'sh',
      // Remote ends have no frames, so they take no such memory.
      'nats'
    )
  })

  it('where addons are refused: --no-addons', () => refused(['--no-addons', main], /--allow-addons.*--no-addons/))

  it('where addons are refused: the permission model', () =>
    refused([permission, readable, `--allow-fs-read=${main}`, main], /--allow-addons/))

  it('where its files must not be read', () => {
    const some = [join(root, 'dist/*'), join(root, 'package.json'), main].map((path) => `--allow-fs-read=${path}`)
    return refused([permission, '--allow-addons', ...some, main], /may not read .*--allow-fs-read/)
  })

  it('and it runs with the natural flags of the permission model, and in a worker', async () => {
    const flags = [permission, '--allow-addons', '--allow-worker', readable, `--allow-fs-read=${folder}/*`]
    expect(await lines(process.execPath, [...flags, main])).to.deep.equal(ENTRIES.map(() => 'loaded'))
    expect(await lines(process.execPath, [...flags, join(folder, 'worker.mjs')])).to.deep.equal(
      ENTRIES.map(() => 'loaded')
    )
  })
})

describe('npx wormhole-ipc doctor without /proc', () => {
  it('reports what it can', async function () {
    skipUnderAsan(this, 'its leak check reads /proc')
    const bare = ['-rm', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$0" "$@"']
    if (spawnSync('unshare', [...bare, 'true']).status !== 0) return this.skip()
    const doctor = [process.execPath, join(root, 'dist/doctor/main.js'), 'doctor', '--seconds', '0']
    const { code, stdout, stderr } = await start('unshare', [...bare, ...doctor]).ended
    expect(stderr).to.equal('')
    expect(code, stdout).to.equal(0)
    expect(stdout).to.include('not known here').and.include('It works.')
  })
})
