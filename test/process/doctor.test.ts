import { appendFileSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { arch, release } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Report } from '#lib/doctor/report'
import { selfTest } from '#lib/doctor/self-test'
import { start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { root, runDoctor, withCopy, withPacked } from '../helpers/doctor.js'
import { chosen, LONG } from '../helpers/long.js'
import { reasonOf } from '../helpers/reason.js'
import { watchesWarnings } from '../helpers/warnings.js'

const SHORT = ['--seconds', '0.1']
const NONE = ['--seconds', '0']

function reportOf(stdout: string): Report {
  return JSON.parse(stdout)
}

describe('npx wormhole-ipc doctor', () => {
  it('says what runs here, what was loaded, and the limits', async () => {
    const { code, stdout, stderr } = await runDoctor(['doctor', ...NONE])
    expect(stderr).to.equal('')
    expect(code, stdout).to.equal(0)
    for (const text of [release(), process.version, '.node (', 'wormhole.wasm', 'net.core.wmem_max', 'RLIMIT_NOFILE']) {
      expect(stdout).to.include(text)
    }
    expect(stdout).to.match(/\nIt works\.\n$/)
  })

  it('says the same as one JSON document, and makes no self-test of 0 seconds', async () => {
    const { code, stdout, stderr } = await runDoctor(['doctor', '--json', ...NONE])
    expect(stderr).to.equal('')
    expect(code, stdout).to.equal(0)
    const { machine, installation, limits, selfTest, problems } = reportOf(stdout)
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(machine).to.include({ platform: 'linux', arch: arch(), kernel: release(), node: process.version })
    expect(installation.version).to.equal(version)
    for (const { file, bytes, error } of [installation.addon, installation.wasm]) {
      expect(error).to.equal(null)
      expect(bytes).to.equal(statSync(file as string).size)
    }
    expect(limits.map(({ name }) => name)).to.deep.equal([
      'net.core.wmem_default',
      'net.core.wmem_max',
      'RLIMIT_NOFILE soft',
      'RLIMIT_NOFILE hard',
      'descriptors in flight',
    ])
    expect(selfTest).to.equal(null)
    expect(problems).to.deep.equal([])
  })

  it('tells of low limits and what to do, which is no reason to fail', async () => {
    const command = 'ulimit -n 300 && exec "$0" "$@"'
    const main = join(root, 'dist/doctor/main.js')
    const { code, stdout } = await start('sh', ['-c', command, process.execPath, main, 'doctor', '--json', ...NONE])
      .ended
    const low = reportOf(stdout).limits.filter(({ advice }) => advice !== null)
    expect(code).to.equal(0)
    for (const kind of ['soft', 'hard']) {
      const limit = low.find(({ name }) => name === `RLIMIT_NOFILE ${kind}`)
      expect(limit?.value).to.equal(300)
      expect(limit?.advice).to.include('ulimit')
    }
  })

  it('says how fast it is, and shows its progress on a terminal', async () => {
    const command = `${process.execPath} ${join(root, 'dist/doctor/main.js')} doctor ${SHORT.join(' ')}`
    const { code, stdout } = await start('script', ['-qec', command, '/dev/null']).ended
    expect(code, stdout).to.equal(0)
    expect(stdout).to.match(/^wormhole-ipc +[\d,]+ a second, [\d.]+ times as many \([\d.]+ to [\d.]+\)\r?$/m)
    expect(stdout).to.match(/^process\.send +[\d,]+ a second\r?$/m)
    // On a busy machine, a hundredth of the time may be over at the first picture.
    expect(stdout)
      .to.match(/self-test: wormhole-ipc \d+ %/)
      .and.include('It works.')
  })

  it('explains its command line', async () => {
    for (const args of [['--help'], ['doctor', '--help']]) {
      const { code, stdout } = await runDoctor(args)
      expect(code).to.equal(0)
      expect(stdout).to.match(/^Usage: /)
      for (const option of ['--seconds', '--json', '--help']) expect(stdout).to.include(option)
    }
  })

  for (const args of chosen(1, [
    [],
    ['nurse'],
    ['doctor', '--fast'],
    ['doctor', '--seconds', 'two'],
    ['doctor', 'again'],
    ['doctor', '--seconds'],
    ['doctor', '--seconds', '-1'],
    ['doctor', '--seconds='],
    ['doctor', '--json=yes'],
  ])) {
    it(`refuses the arguments ${JSON.stringify(args)}`, async () => {
      const { code, stdout, stderr } = await runDoctor(args)
      expect([code, stdout]).to.deep.equal([2, ''])
      expect(stderr).to.match(/^wormhole-ipc: .+\n\nUsage: /)
    })
  }
})

describe('the self-test of the doctor', () => {
  leavesNoDescriptors()
  const warnings = watchesWarnings()

  it('tells the rates of both ways, and closes what it has opened, also when it fails', async () => {
    const { wormhole, processSend, ratio, messageBytes } = await selfTest(0.1, () => undefined)
    for (const rate of [wormhole, processSend]) {
      expect(rate.messages).to.be.greaterThan(0)
      expect(rate.perSecond).to.be.greaterThan(0)
    }
    expect(ratio.median).to.be.within(ratio.min, ratio.max)
    expect(messageBytes).to.equal(45)
    const broken = new Error('nobody listens')
    const fails = (_title: string, part: number) => {
      if (part > 0) throw broken
    }
    expect(await reasonOf(selfTest(0.1, fails))).to.equal(broken)
    expect(warnings).to.deep.equal([])
  })
})

/** npm takes long to pack; `npm run test:package` has the tarball, too. */
const [what, withInstalled] = LONG ? ['the package\u2019s tarball', withPacked] : ['a copy of its files', withCopy]

describe(`npx wormhole-ipc doctor, from ${what},`, () => {
  it('can be executed by itself, and works through a link as npm makes it', () =>
    withInstalled(async (folder) => {
      const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const link = join(folder, 'wormhole-ipc')
      symlinkSync(bin['wormhole-ipc'], link)
      const { code, stdout, stderr } = await start(link, ['doctor', '--json', ...NONE]).ended
      expect(stderr).to.equal('')
      expect(code, stdout).to.equal(0)
      const { installation } = reportOf(stdout)
      expect(installation.wasm.file).to.equal(join(realpathSync(folder), 'dist/wormhole.wasm'))
      expect(installation.addon.file).to.match(/wormhole-doctor-.*\/build\/Release\/wormhole\.node$/)
    }))
})

describe('npx wormhole-ipc doctor, of a broken installation,', () => {
  /** Expects that it fails and says why in JSON. */
  async function complains(folder: string, reason: RegExp): Promise<Report> {
    const { code, stdout, stderr } = await runDoctor(['doctor', '--json', ...SHORT], folder)
    expect([code, stderr]).to.deep.equal([1, ''])
    const report = reportOf(stdout)
    expect(report.problems.join('\n')).to.match(reason)
    return report
  }

  it('says that the addon is missing, and how to get it', () =>
    withCopy(async (folder) => {
      rmSync(join(folder, 'build'), { recursive: true })
      const reason = /no addon that loads on this system.*build one, see "Other systems"/
      const { installation, problems } = await complains(folder, reason)
      const { code, stdout } = await runDoctor(['doctor', ...SHORT], folder)
      expect(code).to.equal(1)
      expect(stdout.slice(stdout.indexOf('Broken:'))).to.match(reason)
      expect(installation.addon).to.include({ file: null, error: problems[0] })
      expect(problems).to.have.lengthOf(1)
    }))

  it('says that the addon is not one', () =>
    withCopy(async (folder) => {
      writeFileSync(join(folder, 'build/Release/wormhole.node'), 'no ELF file at all')
      await complains(folder, /wormhole\.node/)
    }))

  it('says that the WASM is missing, or is none', () =>
    withCopy(async (folder) => {
      const file = join(folder, 'dist/wormhole.wasm')
      writeFileSync(file, 'no module')
      const { installation } = await complains(folder, /WebAssembly/)
      expect(installation.addon.error).to.equal(null)
      rmSync(file)
      await complains(folder, /ENOENT.*wormhole\.wasm/)
    }))

  it('says that the self-test failed when its child dies', () =>
    withCopy(async (folder) => {
      appendFileSync(join(folder, 'dist/doctor/links.js'), '\nif (process.send) process.exit(3)\n')
      const { selfTest, problems } = await complains(folder, /the self-test failed/)
      expect(selfTest).to.equal(null)
      expect(problems).to.have.lengthOf(1)
    }))
})
