import { expect } from 'chai'
import { kind } from '../messages.mjs'
import { workloads } from '../workloads.mjs'

const bytesOf = (message) => Buffer.byteLength(JSON.stringify(message))

describe('the messages of the workloads', () => {
  it('are 45 bytes, as the README has it', () => {
    const { make } = kind(45)
    expect(bytesOf(make())).to.equal(45)
  })

  for (const unicode of [false, true]) {
    it(`are as long as the workload's name says, ${unicode ? 'not ' : ''}ASCII`, () => {
      for (const bytes of [1024, 4096, 65_536, 1024 * 1024])
        expect(bytesOf(kind(bytes, unicode).make())).to.equal(bytes)
    })
  }

  it('are nested records of 300 bytes', () => {
    for (const unicode of [false, true]) expect(bytesOf(kind(300, unicode).make())).to.equal(300)
  })

  it('have characters beyond ASCII just where they should', () => {
    for (const { bytes, unicode = false } of workloads.filter(({ bytes }) => bytes < 65_536)) {
      const ascii = /^[\0-\x7f]*$/.test(JSON.stringify(kind(bytes, unicode).make()))
      expect(ascii, `${bytes} bytes`).to.equal(!unicode)
    }
  })

  it('weigh the same after a journey, and less when something is missing', () => {
    for (const bytes of [45, 300, 4096]) {
      const { make, weigh } = kind(bytes)
      const message = JSON.parse(JSON.stringify(make()))
      expect(weigh(message)).to.equal(weigh(make())).and.to.be.greaterThan(0)
    }
    expect(kind(4096).weigh({ text: '' })).to.equal(0)
  })
})
