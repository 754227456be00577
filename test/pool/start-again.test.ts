import { expect } from 'chai'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { rejectsCode } from '../helpers/expect-error.js'
import { closesPools, javascript } from '../helpers/pools.js'
import { usesChildren } from '../helpers/uses-children.js'

/** The pause after the last of them is many times as long as the code between its end and the check. */
const FAILED_STARTS = 5

describe('a pool whose processes fail to start', function () {
  this.timeout(120_000)
  usesChildren()
  leavesNoDescriptors()
  const open = closesPools()

  it('pauses before the next start, ready() too, which rejects when the pool is closed', async () => {
    const jobs = open({}, javascript('process.exit(3)'))
    for (let start = 0; start < FAILED_STARTS; start++) await rejectsCode(jobs.ready(), 'ERR_WORMHOLE_CHILD_EXITED')
    const ready = jobs.ready()
    expect(jobs.stats().processes).to.equal(0)
    const closing = jobs.close()
    const error = await rejectsCode(ready, 'ERR_WORMHOLE_CLOSED')
    expect(error.message).to.equal('this Pool is closed')
    await closing
  })
})
