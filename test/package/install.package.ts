import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { Consumer } from './consumer.js'

/** Two thirds of it are the code (in CommonJS, and for bundlers) and its types; the rest is pages, examples and addons. */
const MAX_BYTES = 1700 * 1024
/** About what each takes, rounded up. */
const ADDON_BYTES = {
  'prebuilds/linux-x64/wormhole-ipc.glibc.node': 36_000,
  'prebuilds/linux-x64/wormhole-ipc.musl.node': 36_000,
  'prebuilds/linux-arm64/wormhole-ipc.glibc.node': 70_000,
  'prebuilds/linux-arm64/wormhole-ipc.musl.node': 70_000,
}

const ROUND_TRIP = `
  const [sender, receiver] = channel()
  const [inner, innerReceiver] = channel()
  sender.sendWithFds({ hello: 'world' }, [innerReceiver])
  receiver.recvWithFds().then(async ([message, [fd]]) => {
    inner.sendSync([1, 2, 3])
    console.log(JSON.stringify([message, await fd.receiver().recv()]))
  })`
const ANSWER = '[{"hello":"world"},[1,2,3]]\n'

describe('the installed package', () => {
  let consumer: Consumer
  before(() => {
    consumer = new Consumer()
  })
  after(() => consumer.remove())

  it('runs no script and compiles nothing at installation', () => {
    const manifest = JSON.parse(readFileSync(join(consumer.installed, 'package.json'), 'utf8')) as object
    expect(manifest).not.to.have.any.keys('scripts', 'devDependencies', 'imports')
    // npm and others compile a package with such a file by themselves.
    expect(existsSync(join(consumer.installed, 'binding.gyp'))).to.equal(false)
    const lock = JSON.parse(readFileSync(join(consumer.folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>
    }
    expect(Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript)).to.deep.equal([])
  })

  it('is under 1700 KiB, also with the addons that a partial one lacks', () => {
    const files = readdirSync(consumer.installed, { recursive: true, encoding: 'utf8' })
    const sizes = files.map((file) => statSync(join(consumer.installed, file))).filter((stats) => stats.isFile())
    const lacking = Object.entries(ADDON_BYTES).filter(([file]) => !files.includes(file))
    const bytes = [...sizes.map(({ size }) => size), ...lacking.map(([, size]) => size)]
    expect(bytes.reduce((sum, size) => sum + size, 0)).to.be.below(MAX_BYTES)
  })

  it('calls its classes by their names, in errors, traces and whatever prints them', () => {
    const main = consumer.write(
      'names.mjs',
      `import { channel, OwnedFd, WormholeError } from 'wormhole-ipc'
      const [sender, receiver] = channel()
      console.log([sender.constructor, receiver.constructor, OwnedFd, WormholeError].map(({ name }) => name).join())
      receiver.close()
      for (let count = 0; count < 2; count++) await sender.send(1).catch(({ message }) => console.log(message))
      sender.close()
      try { sender.trySend(1) } catch (error) { console.log(error.message) }`
    )
    const { stdout, stderr } = consumer.run([main], process.execPath, { NODE_DEBUG: 'wormhole' })
    expect(stdout.split('\n')).to.deep.equal([
      'Sender,Receiver,OwnedFd,WormholeError',
      'every receiving end of the channel is gone',
      'every receiving end of the channel is gone',
      'this Sender is closed, detached or moved',
      '',
    ])
    expect(stderr)
      .to.match(/: Sender \d+: opened/)
      .and.not.match(/_(Sender|Receiver)/)
  })

  it('works by import', () => {
    const main = consumer.write('import.mjs', `import { channel } from 'wormhole-ipc'\n${ROUND_TRIP}`)
    const { stdout, stderr } = consumer.run([main])
    expect([stdout, stderr]).to.deep.equal([ANSWER, ''])
  })

  it('works by require(), also where an import follows', () => {
    const main = consumer.write(
      'require.cjs',
      `const { channel } = require('wormhole-ipc')
      const { socketpair } = require('wormhole-ipc/socket')
      const one = (name) => import(name).then((same) => Object.entries(require(name)).every(([key, value]) => same[key] === value))
      const names = ['', '/calls', '/pool', '/process', '/socket'].map((entry) => 'wormhole-ipc' + entry)
      Promise.all(names.map(one)).then((same) => console.log(...same, socketpair('stream').length))
      ${ROUND_TRIP}`
    )
    const { stdout } = consumer.run([main])
    expect(stdout.split('\n').sort()).to.deep.equal(['', ANSWER.trim(), 'true true true true true 2'].sort())
  })

  it('starts children, by fork() and by forkAndRun()', () => {
    consumer.write(
      'child.mjs',
      `import { inherited } from 'wormhole-ipc/process'
      const { back } = inherited()
      await back.send('from the child')`
    )
    consumer.write('double.mjs', 'export default (number) => number * 2')
    const main = consumer.write(
      'parent.mjs',
      `import { channel } from 'wormhole-ipc'
      import { fork, forkAndRun } from 'wormhole-ipc/process'
      const [back, receiver] = channel()
      fork('./child.mjs', { channels: { back } })
      console.log(await receiver.recv(), await forkAndRun(new URL('double.mjs', import.meta.url), 21))`
    )
    const { stdout, stderr } = consumer.run([main])
    expect([stdout, stderr]).to.deep.equal(['from the child 42\n', ''])
  })
})
