import { expect } from 'chai'
import { inOrder } from '../schedule.mjs'

describe('the order of a run', () => {
  const steps = [{ peer: 'a' }, { peer: 'b' }, { peer: 'c' }, { limit: 'codec' }, { limit: 'kernel' }]

  it('takes the peers in turn, and backwards in every second run', () => {
    const peers = (run) => inOrder(steps, run).flatMap(({ peer }) => peer ?? [])
    expect(peers(0)).to.deep.equal(['a', 'b', 'c'])
    expect(peers(1)).to.deep.equal(['c', 'b', 'a'])
    expect(peers(2)).to.deep.equal(['a', 'b', 'c'])
  })

  it('ends with the limits, as the kernel is measured with what the reference has sent in this run', () => {
    for (const run of [0, 1])
      expect(inOrder(steps, run).slice(3)).to.deep.equal([{ limit: 'codec' }, { limit: 'kernel' }])
  })
})
