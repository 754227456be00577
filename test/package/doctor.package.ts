import { expect } from 'chai'
import { Consumer } from './consumer.js'

describe('npx wormhole-ipc doctor, of the installed package', () => {
  let consumer: Consumer
  before(() => {
    consumer = new Consumer()
  })
  after(() => consumer.remove())

  it('says what was loaded and how fast this machine is, and that it works', () => {
    const { status, stdout } = consumer.run(['--no', 'wormhole-ipc', 'doctor', '--seconds', '0.5'], 'npx')
    expect(status, stdout).to.equal(0)
    for (const file of [/^addon .*\/prebuilds\/.*\.node \(/m, /^WASM .*\/dist\/wormhole\.wasm \(/m]) {
      expect(stdout).to.match(file)
    }
    for (const rate of [/^wormhole-ipc +([\d,]+) a second, /m, /^process\.send +([\d,]+) a second$/m]) {
      const [, perSecond = ''] = rate.exec(stdout) ?? []
      expect(Number(perSecond.replaceAll(',', '')), stdout).to.be.above(0)
    }
    expect(stdout).to.match(/\nIt works\.\n$/)
  })

  it('refuses a wrong command line with a 2, and says what there is', () => {
    const { status, stdout, stderr } = consumer.run(['--no', 'wormhole-ipc', 'nurse'], 'npx')
    expect([status, stdout]).to.deep.equal([2, ''])
    expect(stderr).to.match(/wormhole-ipc: no command "nurse"\n\nUsage: /)
  })
})
