import { constants } from 'node:os'
import { expect } from 'chai'
import { ETOOMANYREFS } from '#lib/core/errors'
import type { InFlight } from '../fixtures/in-flight.js'
import type { NoProcess } from '../fixtures/no-process.js'
import { startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { startLimited } from '../helpers/limits.js'
import { measured } from '../helpers/measured.js'
import { usesChildren } from '../helpers/uses-children.js'

const { EAGAIN } = constants.errno

describe('a user who has as many descriptors on their way as the kernel allows', () => {
  usesChildren()
  leavesNoDescriptors()

  // More than Node opens at once as it loads modules.
  const LIMIT = 128
  const EACH = 10
  const refused = { code: 'ERR_WORMHOLE_SYSTEM', errno: ETOOMANYREFS, syscall: 'sendmsg' }
  let found: InFlight

  before(async () => {
    found = await measured<InFlight>(startLimited(LIMIT, 'in-flight', [String(EACH)]))
  })

  it('gets ETOOMANYREFS past RLIMIT_NOFILE of them, whichever way they are sent', () => {
    // The kernel looks before it counts the next message.
    expect(found.taken).to.be.within(LIMIT, LIMIT + EACH)
    expect(found.refused).to.deep.equal(refused)
    expect(found.said).to.match(/sendmsg failed with ETOOMANYREFS$/)
    const { 'plain ones around it': plain, ...others } = found.others
    for (const [what, ending] of Object.entries(others)) expect(ending, what).to.deep.equal(refused)
    expect(plain).to.deep.equal({ gave: ['fulfilled', 'rejected', 'fulfilled'] })
  })

  it('has still what was to move with what was refused, and sends it once some have been received', () => {
    expect(found.kept).to.equal(true)
    expect(found.afterwards).to.deep.equal({ gave: -1 })
  })

  it('loses no message that was sent and delivers none that was refused', () => {
    const files = Array.from({ length: found.taken / EACH }, (_, index) => [index * EACH, EACH]).flat()
    expect(found.received).to.deep.equal([...files, 'first', 0, 'second', 0, 'moved at last', 1])
  })
})

describe('a user who may have no more processes', () => {
  usesChildren()
  leavesNoDescriptors()

  it('gets EAGAIN from forkAndRun and spawn, and the ends that were to move are closed', async () => {
    const { runs, spawned, ended } = await measured<NoProcess>(startNode('no-process'))
    for (const run of runs) expect(run).to.include({ code: 'ERR_WORMHOLE_SYSTEM', errno: -EAGAIN })
    expect(spawned).to.include({ code: 'EAGAIN', errno: -EAGAIN })
    expect(ended).to.deep.equal({ gave: 'the end' })
  })
})
