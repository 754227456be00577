import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { root } from '../helpers/code-blocks.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesPools, javascript } from '../helpers/pools.js'
import { usesChildren } from '../helpers/uses-children.js'

const STARTED = javascript(
  'export default () => [process.argv.slice(3), process.execArgv, process.env.MARK, process.cwd()]'
)

describe('the processes of a pool', function () {
  this.timeout(120_000)
  usesChildren()
  leavesNoDescriptors()
  const open = closesPools()

  it('have the arguments, the environment, the directory and the options of Node that they are given', async () => {
    const options = { args: ['a', '--b'], env: { ...process.env, MARK: 'mine' }, cwd: '/', execArgv: ['--no-warnings'] }
    expect(await open(options, STARTED).run(0)).to.deep.equal([['a', '--b'], ['--no-warnings'], 'mine', '/'])
  })

  it('may be debugged, each at a port of its own', async () => {
    const url = javascript('export default async () => (await import("node:inspector")).url()')
    const jobs = open({ size: 2, execArgv: ['--inspect=127.0.0.1:0'] }, url)
    await jobs.ready()
    const urls = await Promise.all([jobs.run(1), jobs.run(2)])
    for (const each of urls) expect(each).to.match(/^ws:/)
    expect(urls[0]).to.not.equal(urls[1])
  })

  it('are not debugged as ours is, and run no program of its options', async () => {
    const program = `
      import { pool } from 'wormhole-ipc/pool'
      await using jobs = pool(${JSON.stringify(STARTED)}, { size: 2 })
      await jobs.ready()
      console.log(JSON.stringify(await jobs.run(0)))`.replace('await using jobs', 'const jobs')
    const options = [
      '--inspect=127.0.0.1:0',
      '--no-warnings',
      '--input-type=module',
      '-e',
      `${program}\nawait jobs.close()`,
    ]
    const parent = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'ignore'], cwd: root })
    const [text] = (await once(parent.stdout, 'data')) as [Buffer]
    expect(JSON.parse(text.toString())[1]).to.deep.equal(['--no-warnings'])
    await once(parent, 'close')
  })

  it('run a module in TypeScript where Node does', async function () {
    if (!(process.features as { typescript?: unknown }).typescript) return this.skip()
    const jobs = open({}, pathToFileURL(join(root, 'test/fixtures/pool-job.ts')))
    expect(await jobs.run({ do: 'double', n: 4 })).to.equal(8)
  })
})
