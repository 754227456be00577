import { constants } from 'node:os'
import { expect } from 'chai'
import type { MostChannels } from '../fixtures/most-channels.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { mostDescriptors, startLimited } from '../helpers/limits.js'
import { measured } from '../helpers/measured.js'
import { usesChildren } from '../helpers/uses-children.js'

/** A supported size (docs/reliability.md); where a process may have fewer, as many as that. */
const LIMIT = Math.min(20_000, mostDescriptors())
/** What Node has open itself, and some room. */
const NODES_OWN = 60

describe('as many channels as a process may have', () => {
  usesChildren()
  leavesNoDescriptors()

  let rounds: MostChannels[]

  before(async () => {
    rounds = await measured<MostChannels[]>(startLimited(LIMIT, 'most-channels', []))
    console.log(
      `      ${rounds.map(({ opened }) => opened).join(' and then ')} channels with RLIMIT_NOFILE at ${LIMIT}`
    )
  })

  it('take two descriptors each, up to RLIMIT_NOFILE; the next is refused with EMFILE', () => {
    for (const { opened, descriptors, refused } of rounds) {
      expect(2 * opened).to.be.within(LIMIT - NODES_OWN, LIMIT)
      // One was closed to make room for the count.
      expect(descriptors).to.equal(2 * (opened - 1))
      expect(refused).to.deep.equal({
        code: 'ERR_WORMHOLE_SYSTEM',
        errno: -constants.errno.EMFILE,
        syscall: 'socketpair',
      })
    }
  })

  it('can all be waited on and be used', () => {
    for (const { opened, last, waited } of rounds) {
      expect(last).to.deep.equal({ gave: [1, ['receiver', 2]] })
      expect(waited).to.deep.equal({ ERR_WORMHOLE_CLOSED: opened - 2 })
    }
  })

  it('can be opened again, as many, once all are closed', () => {
    const [first, second] = rounds
    expect(rounds.map(({ left }) => left)).to.deep.equal([0, 0])
    expect(second?.opened).to.equal(first?.opened)
  })
})
