import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Consumer, runtime, tarball } from './consumer.js'

describe('the package where it cannot run', () => {
  let consumer: Consumer
  before(() => {
    consumer = new Consumer()
    consumer.write(
      'main.mjs',
      `import('wormhole-ipc').catch(({ code, message }) => console.log(code + ': ' + message))`
    )
    consumer.write(
      'main.cjs',
      `try { require('wormhole-ipc') } catch ({ code, message }) { console.log(code + ': ' + message) }`
    )
  })
  after(() => consumer.remove())

  it('is installed all the same on a Mac, without --ignore-scripts', () => {
    const mac = consumer.write('mac.cjs', "Object.defineProperty(process, 'platform', { value: 'darwin' })")
    rmSync(consumer.installed, { recursive: true })
    const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball]
    const { status, stderr } = consumer.run(args, 'npm', { NODE_OPTIONS: `--require=${mac}` })
    expect(status, stderr).to.equal(0)
    expect(existsSync(join(consumer.installed, 'dist/index.js'))).to.equal(true)
  })

  /** One line on standard output is one sentence. */
  function refusal(args: string[], program?: string): string {
    const { status, stdout } = consumer.run(args, program)
    expect(status).to.equal(0)
    return stdout
  }

  for (const platform of ['darwin', 'win32']) {
    it(`says that it is for Linux on ${platform}, to import and to require()`, () => {
      consumer.write('elsewhere.mjs', `Object.defineProperty(process, 'platform', { value: '${platform}' })`)
      for (const main of ['main.mjs', 'main.cjs']) {
        expect(refusal(['--import', './elsewhere.mjs', main])).to.match(
          new RegExp(`^ERR_WORMHOLE_UNSUPPORTED: wormhole-ipc runs on Linux only .*; this is ${platform}\n$`)
        )
      }
    })
  }

  it('says how to get an addon for an architecture that it has none for', () => {
    consumer.write(
      'elsewhere.mjs',
      `import { syncBuiltinESMExports } from 'node:module'
      import os from 'node:os'
      os.arch = () => 'riscv64'
      Object.defineProperty(process, 'arch', { value: 'riscv64' })
      syncBuiltinESMExports()`
    )
    expect(refusal(['--import', './elsewhere.mjs', 'main.mjs'])).to.match(
      /^ERR_WORMHOLE_UNSUPPORTED: wormhole-ipc has no addon that loads on this system \(riscv64\): [^\n]*\n$/
    )
  })

  for (const main of ['main.mjs', 'main.cjs']) {
    it(`says which Node.js it needs in Node.js 20.0 (${main})`, function () {
      this.timeout(200_000)
      const program = runtime('node-20.0')
      if (program === undefined) return this.skip()
      expect(refusal([main], program)).to.equal(
        'ERR_WORMHOLE_UNSUPPORTED: wormhole-ipc needs Node.js 20.19 or later; this is v20.0.0: install a newer one\n'
      )
    })
  }

  for (const [name, args] of [
    ['Bun', ['run', 'main.mjs']],
    ['Deno', ['run', '--allow-all', 'main.mjs']],
  ] as const) {
    it(`says that it is for Node.js in ${name}`, function () {
      this.timeout(200_000)
      const program = runtime(name.toLowerCase())
      if (program === undefined) return this.skip()
      expect(refusal([...args], program)).to.match(
        new RegExp(`^ERR_WORMHOLE_UNSUPPORTED: wormhole-ipc runs on Node.js only .*; this is ${name} [\\d.]+\n$`)
      )
    })
  }
})
