import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { Consumer } from './consumer.js'

const require = createRequire(import.meta.url)
const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc')
const typeRoots = dirname(dirname(require.resolve('@types/node/package.json')))

describe('the types of the installed package', () => {
  let consumer: Consumer
  before(() => {
    consumer = new Consumer()
  })
  after(() => consumer.remove())

  /** What the compiler says of a program, the package's own types checked too. */
  function complaints(program: string, files = ['main.mts'], kind = 'nodenext'): string {
    for (const file of files) consumer.write(file, program)
    const options = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--module', kind, '--types', 'node']
    return consumer.run([compiler, ...options, '--typeRoots', typeRoots, ...files]).stdout
  }

  const COMPLETE = `
    import { channel, type Receiver, type Sender } from 'wormhole-ipc'
    import { caller, link } from 'wormhole-ipc/calls'
    import { pool } from 'wormhole-ipc/pool'
    import { fork } from 'wormhole-ipc/process'
    import { peerCredentials } from 'wormhole-ipc/socket'
    const [sender, receiver] = channel<{ at: Date }>()
    fork<{ sender: typeof sender }>('./child.mjs', { channels: { sender } })
    export const same: Receiver<{ at: string }> = receiver
    export const { uid } = peerCredentials(receiver.fd)
    export const output: Promise<number> = pool<string, number>('./job.mjs').run('input')
    export const answer: Promise<string> = caller<{ name: () => string }>(link()[0]).name()
    export const take = (other: Sender<{ at: Date }>) => other.closed`

  for (const [kind, files] of Object.entries({
    nodenext: ['main.mts', 'main.cts'],
    node16: ['main.ts'],
    commonjs: ['main.ts'],
  })) {
    it(`are complete (module ${kind}: ${files.join(', ')})`, () => {
      expect(complaints(COMPLETE, files, kind)).to.equal('')
    })
  }

  it('are the same for import and for require()', () => {
    consumer.write(
      'required.cts',
      "import { Sender } from 'wormhole-ipc'\nexport const give = (): Sender<number> => Sender.fromFd(3)"
    )
    const program = `
      import type { Sender } from 'wormhole-ipc'
      import { give } from './required.cjs'
      export const sender: Sender<number> = give()`
    expect(complaints(program)).to.equal('')
  })

  it('say what is wrong', () => {
    const said = complaints(`
      import { channel } from 'wormhole-ipc'
      const [sender, receiver] = channel<{ at: Date }>()
      await sender.send({ at: 5 })
      const { at } = await receiver.recv()
      at.getTime()
    `)
    expect(said)
      .to.match(/'number' is not assignable to type 'Date'/)
      .and.match(/'getTime' does not exist on type 'string'/)
  })
})
