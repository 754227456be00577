import { expect } from 'chai'
import type { PendingAborts } from '../fixtures/pending-aborts.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { measured, startMeasuring } from '../helpers/measured.js'
import { usesChildren } from '../helpers/uses-children.js'

/** Rounds until tables have grown to their size and code is compiled. */
const WARM_UP = 3
/** A call that is kept, with its promise and its place in a list, has more. */
const MIN_LEAK_BYTES = 64

describe('thousands of receives, sends and selects that wait on one signal', () => {
  usesChildren()
  leavesNoDescriptors()

  let found: PendingAborts

  before(async () => {
    found = await measured<PendingAborts>(startMeasuring('pending-aborts'))
    const kib = found.heapBytes.map((bytes) => Math.round(bytes / 1024))
    console.log(`      KiB of heap after each round of ${found.calls} calls: ${kib.join(' ')}`)
  })

  it('end as they should: those with the aborted signal rejected, the others served', () => {
    for (const { fulfilled = 0, rejected = 0 } of found.ended) {
      expect(fulfilled + rejected).to.equal(found.calls)
      expect(rejected).to.be.above(fulfilled)
      expect(fulfilled).to.equal(found.ended[0]?.fulfilled)
    }
  })

  it('give no warning, and a signal has one listener at most, and none once nobody waits', () => {
    expect(found.warnings).to.deep.equal([])
    expect([found.mostListeners, found.listenersLeft]).to.deep.equal([1, 0])
  })

  it('leave nothing on the heap, round after round', () => {
    const [first, ...later] = found.heapBytes.slice(WARM_UP) as [number, ...number[]]
    expect(Math.min(...later.slice(-2)) - first, 'growth').to.be.below(MIN_LEAK_BYTES * found.calls)
  })
})
