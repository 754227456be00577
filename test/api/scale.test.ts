import { expect } from 'chai'
import type { ManyChannels } from '../fixtures/many-channels.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { mostDescriptors } from '../helpers/limits.js'
import { measured, startMeasuring } from '../helpers/measured.js'
import { usesChildren } from '../helpers/uses-children.js'

const CHANNELS = 9000
const DESCRIPTORS_NEEDED = 2 * CHANNELS + 100
const MAX_HEAP_BYTES = 2176

describe(`${CHANNELS} channels in one process`, () => {
  usesChildren()
  leavesNoDescriptors()

  let figures: ManyChannels

  before(async function () {
    const limit = mostDescriptors()
    if (limit < DESCRIPTORS_NEEDED) {
      console.log(`    skipped: RLIMIT_NOFILE is ${limit}, and ${DESCRIPTORS_NEEDED} descriptors are needed`)
      this.skip()
    }
    figures = await measured<ManyChannels>(startMeasuring('many-channels', [String(CHANNELS)]))
  })

  it('carry a message each', () => {
    expect(figures.arrived).to.equal(CHANNELS)
  })

  it('have two descriptors each, and none once they are closed', () => {
    const { before, idle, waiting, used, closed } = figures
    for (const state of [idle, waiting, used]) expect(state.descriptors).to.equal(before.descriptors + 2 * CHANNELS)
    expect(closed.descriptors).to.equal(before.descriptors)
  })

  it(`cost less than ${MAX_HEAP_BYTES} bytes of JavaScript heap each while they are idle`, () => {
    for (const state of ['idle', 'used'] as const) {
      const each = (figures[state].heapBytes - figures.before.heapBytes) / CHANNELS
      expect(each, state).to.be.below(MAX_HEAP_BYTES)
    }
  })

  it('leave next to nothing on the JavaScript heap once they are closed', () => {
    // What stays is the room of tables that do not shrink: the next channels use it.
    expect((figures.closed.heapBytes - figures.before.heapBytes) / CHANNELS).to.be.below(256)
  })

  it('cost no WebAssembly memory, idle or waiting', () => {
    const { before, ...others } = figures
    for (const { wasmBytes } of [others.idle, others.waiting, others.used, others.closed]) {
      expect(wasmBytes).to.equal(before.wasmBytes)
    }
  })

  it('add no threads, timers or handles', () => {
    const { before, idle, waiting, used, closed } = figures
    for (const state of [idle, waiting, used, closed]) {
      expect(state.threads).to.equal(before.threads)
      expect(state.resources).to.deep.equal(before.resources)
    }
  })
})
