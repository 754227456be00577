import { expect } from 'chai'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { measured, startMeasuring } from '../helpers/measured.js'
import { usesChildren } from '../helpers/uses-children.js'

describe('the addon, called directly', () => {
  usesChildren()
  leavesNoDescriptors()

  for (const [program, attack, sentence] of [
    ['addon-arguments', 'early', 'refuses what needs memory or readiness before it has them'],
    ['addon-arguments', 'types', 'refuses every argument of every call that is of the wrong kind, or missing'],
    ['addon-arguments', 'numbers', 'answers numbers that cannot serve with an errno'],
    ['addon-arguments', 'spans', 'touches no byte outside the memory that it was given'],
    ['addon-arguments', 'views', 'uses no memory that can be detached or shrink, and follows memory that grows'],
    ['addon-objects', 'kinds', 'takes descriptors of every kind'],
    ['addon-objects', 'callbacks', 'survives a callback that throws, replaces itself, and closes what is ready'],
    ['addon-objects', 'busyPoll', 'polls as long and as often in a row as it is told, and not where the loop is busy'],
    ['addon-exclusive', 'refuses', 'watches one descriptor exclusively, and only if it is watched for packets alone'],
    ['addon-exclusive', 'resets', 'goes on after an error of the socket that it watches exclusively'],
    ['addon-exclusive', 'isClosed', 'tells of a descriptor that it watches exclusively and that other code has closed'],
    ['addon-exclusive', 'becomesUsual', 'ends an exclusive watch without a loss, and keeps nothing open'],
    ['addon-exclusive', 'isNotWanted', 'ends an exclusive watch for which nothing waits any more'],
    ['addon-exclusive', 'besideOthers', 'watches others beside the one that it watches exclusively'],
    ['addon-objects', 'instances', 'keeps what one instance owns from another instance'],
  ] as const) {
    it(sentence, async () => {
      expect(await measured<number>(startMeasuring(program, [attack]))).to.be.above(0)
    })
  }

  it('survives threads that end in the middle of its calls, and leaves nothing of theirs open', async () => {
    expect(await measured<number>(startMeasuring('addon-gone'))).to.equal(0)
  })
})
