import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { expect } from 'chai'
import type { FullChannel } from '../fixtures/full-channel.js'
import { collect } from '../helpers/collect.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { closesEnds } from '../helpers/ends.js'
import { range } from '../helpers/fill.js'
import { sized } from '../helpers/long.js'
import { measured, startMeasuring } from '../helpers/measured.js'
import { usesChildren } from '../helpers/uses-children.js'

/** How long nobody reads, in milliseconds: in the long form five minutes. */
const UNREAD_MS = sized(1500, 300_000)
/** One that polls has most of a processor; one that only waits next to nothing, on however slow a machine. */
const MAX_CPU_SHARE = 0.25
/** Nothing is kept for the wait; what Node itself keeps differs by some tens of KiB from run to run. */
const MAX_HEAP_GROWTH = 256 * 1024

describe(`a channel that is left full for ${UNREAD_MS / 1000} seconds`, () => {
  usesChildren()
  leavesNoDescriptors()
  const { open, openStream } = closesEnds()

  it('costs no processor time, no system calls and no memory meanwhile, and goes on when it is read', async function () {
    this.timeout(UNREAD_MS + 120_000)
    const ends = [open<number>(), openStream<number>()] as const
    const child = startMeasuring(
      'full-channel',
      [String(UNREAD_MS)],
      ends.map(([sender]) => sender.fd)
    )
    for (const [sender] of ends) sender.close()
    await once(child.process.stdout as Readable, 'data')
    const received = await Promise.all(ends.map(([, receiver]) => collect<unknown>(receiver)))
    const { sent, cpu, waited, calls, heapBytes } = await measured<FullChannel>(child)
    expect(received).to.deep.equal(sent.map(range))
    expect(waited).to.be.at.least(UNREAD_MS * 1000 * 0.99)
    expect(calls, 'calls of sendmsg').to.equal(0)
    expect(cpu / waited, 'share of a processor').to.be.below(MAX_CPU_SHARE)
    expect(heapBytes[1] - heapBytes[0], 'growth of the heap').to.be.below(MAX_HEAP_GROWTH)
    console.log(`      ${Math.round(cpu / 1000)} ms of processor time in ${Math.round(waited / 1e6)} s`)
  })
})
