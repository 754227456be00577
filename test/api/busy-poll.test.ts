import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { NOT_POLLED } from '#lib/os/addon'
import { BlockingBusyPoll, BusyPoll } from '#lib/os/busy-poll'

/** Nothing came in all the time that a poll may take. */
const NOTHING_CAME = -100

/** Wake-ups before the poll is tried again, when it is told this of each. */
function pause(policy: BusyPoll, polled = NOT_POLLED): number {
  let count = 0
  while (policy.next(polled) === 0) count++
  return count
}

/** Says of each poll that it took so long, until it is given up; how many there were. */
function polls(policy: BusyPoll, took: number, max = 100): number {
  let count = 1
  while (count < max && policy.next(took) > 0) count++
  return count
}

describe('when to poll and when to sleep', () => {
  it('polls after some wake-ups, and goes on while it pays', () => {
    const policy = new BusyPoll()
    expect(pause(policy)).to.equal(31)
    expect(polls(policy, 10)).to.equal(100)
    expect(polls(policy, 29)).to.equal(100)
  })

  it('gives up where the answers take long, and tries more and more seldom', () => {
    const policy = new BusyPoll()
    const pauses = Array.from({ length: 10 }, () => {
      const slept = pause(policy) + 1
      expect(polls(policy, NOTHING_CAME)).to.equal(8)
      return slept
    })
    expect(pauses).to.deep.equal([32, 64, 128, 256, 512, 1024, 2048, 4096, 4096, 4096])
  })

  it('gives the other side time to try it too', () => {
    const policy = new BusyPoll()
    pause(policy)
    expect(polls(policy, 45), 'a little too long each').to.equal(8 * 8 + 6)
    expect(pause(policy) + 1).to.equal(64)
    expect(polls(policy, 45, 60)).to.equal(60)
    expect(polls(policy, 10)).to.equal(100)
  })

  it('outlives one answer that is late among others that are not', () => {
    const policy = new BusyPoll()
    pause(policy)
    for (let run = 0; run < 10; run++) {
      expect(policy.next(NOTHING_CAME)).to.be.above(0)
      expect(polls(policy, 5, 8)).to.equal(8)
    }
  })

  it('counts no wake-up before which nobody polled', () => {
    const policy = new BusyPoll()
    pause(policy)
    expect(polls(policy, NOT_POLLED)).to.equal(100)
    expect(polls(policy, NOTHING_CAME)).to.equal(8)
  })

  it('leaves the core to others for longer once they have taken it', () => {
    const policy = new BusyPoll()
    let pauses = 0
    const slept = Array.from({ length: 4 }, () => {
      const slept = pause(policy) + 1
      expect(polls(policy, 10, 20)).to.equal(20)
      expect(policy.next(pauses++ % 2 === 0 ? 3000 : -3000)).to.equal(0)
      return slept
    })
    expect(slept).to.deep.equal([32, 256, 2048, 4096])
  })

  it('forgets slowly that it did not pay', () => {
    const policy = new BusyPoll()
    pause(policy)
    policy.next(3000)
    expect(pause(policy) + 1).to.equal(256)
    // The trial, and as much again: half the pause; then it did not pay again.
    for (let count = 0; count < 2 * 8 * 8; count++) expect(policy.next(10)).to.be.above(0)
    expect(polls(policy, NOTHING_CAME)).to.equal(3)
    expect(pause(policy) + 1).to.equal(256)
  })
})

describe('WORMHOLE_BUSY_POLL=0', () => {
  for (const [value, times] of [
    ['0', 0],
    ['1', 969],
  ] as const) {
    it(`${value}: polls ${times} times of a thousand`, () => {
      const program = `
        const { BusyPoll } = await import(${JSON.stringify(import.meta.resolve('#lib/os/busy-poll'))})
        const policy = new BusyPoll()
        let polls = 0
        for (let count = 0; count < 1000; count++) if (policy.next(1) > 0) polls++
        console.log(polls)`
      const env = { ...process.env, WORMHOLE_BUSY_POLL: value }
      const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], { env, encoding: 'utf8' })
      expect(Number(output)).to.equal(times)
    })
  }
})

describe('polling by a call that blocks', () => {
  /** Lets it pause until a poll is due. */
  function due(poll: BlockingBusyPoll): void {
    while (!poll.due());
  }

  it('asks until the answer is yes', () => {
    const poll = new BlockingBusyPoll()
    due(poll)
    expect(poll.until(() => true, Number.POSITIVE_INFINITY)).to.equal(true)
  })

  it('asks once where the caller has no time left', () => {
    const poll = new BlockingBusyPoll()
    due(poll)
    let asked = 0
    expect(poll.until(() => ++asked > 1, 0)).to.equal(false)
    expect(asked).to.equal(1)
  })

  it('ends where the answer stays no', () => {
    const poll = new BlockingBusyPoll()
    due(poll)
    expect(poll.until(() => false, Number.POSITIVE_INFINITY)).to.equal(false)
  })
})
