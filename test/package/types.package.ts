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
  function complaints(program: string): string {
    const main = consumer.write('main.mts', program)
    const options = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--types', 'node']
    return consumer.run([compiler, ...options, '--typeRoots', typeRoots, main]).stdout
  }

  it('are complete', () => {
    const said = complaints(`
      import { channel, type Receiver } from 'wormhole-ipc'
      import { fork } from 'wormhole-ipc/process'
      import { peerCredentials } from 'wormhole-ipc/socket'
      const [sender, receiver] = channel<{ at: Date }>()
      fork<{ sender: typeof sender }>('./child.mjs', { channels: { sender } })
      export const same: Receiver<{ at: string }> = receiver
      export const { uid } = peerCredentials(receiver.fd)
    `)
    expect(said).to.equal('')
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
