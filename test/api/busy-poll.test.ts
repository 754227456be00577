import { execFileSync } from 'node:child_process'
import { expect } from 'chai'
import { NOT_POLLED } from '#lib/os/addon'
import { BlockingBusyPoll, BusyPoll } from '#lib/os/busy-poll'

/** Nothing came in all the time that a poll may take. */
const NOTHING_CAME = -100
/** How long the loop had slept before a wake-up, in microseconds: as in a dialogue, and as in a slow exchange. */
const QUICK = 60
const SLOW = 1000

/** Wake-ups before the poll is tried again; 0 if it is not within a hundred thousand. */
function pause(policy: BusyPoll, waited = QUICK): number {
  for (let count = 1; count <= 100_000; count++) if (policy.next(NOT_POLLED, waited) > 0) return count
  return 0
}

/** Says of each poll that it took this long, until it is given up; how many there were. */
function polls(policy: BusyPoll, took: number, max = 100): number {
  let count = 1
  while (count < max && policy.next(took, QUICK) > 0) count++
  return count
}

describe('when to poll and when to sleep', () => {
  it('polls after eight quick answers, and goes on while it pays', () => {
    const policy = new BusyPoll()
    expect(pause(policy)).to.equal(8)
    expect(polls(policy, 10)).to.equal(100)
    expect(polls(policy, 29)).to.equal(100)
  })

  it('spends nothing where each answer is slow', () => {
    expect(pause(new BusyPoll(), SLOW)).to.equal(0)
  })

  it('spends nothing where one answer of five is slow, and tries it where one of ten is', () => {
    for (const [quick, tries] of [
      [4, false],
      [9, true],
    ] as const) {
      const policy = new BusyPoll()
      let tried = false
      for (let burst = 0; burst < 1000; burst++) {
        for (let count = 0; count < quick; count++) tried ||= policy.next(NOT_POLLED, QUICK) > 0
        tried ||= policy.next(NOT_POLLED, SLOW) > 0
      }
      expect(tried).to.equal(tries)
    }
  })

  it('gives up where the answers take long, and tries less and less often', () => {
    const policy = new BusyPoll()
    const pauses = Array.from({ length: 9 }, () => {
      const slept = pause(policy)
      expect(polls(policy, NOTHING_CAME)).to.equal(7)
      return slept
    })
    expect(pauses).to.deep.equal([8, 16, 32, 64, 128, 256, 512, 512, 512])
  })

  it('is as seldom as one in four thousand where the waits are not known', () => {
    const policy = new BusyPoll(4096)
    const pauses = Array.from({ length: 11 }, () => {
      const slept = pause(policy)
      polls(policy, NOTHING_CAME)
      return slept
    })
    expect(pauses.slice(-3)).to.deep.equal([2048, 4096, 4096])
  })

  it('gives the other side time to try it too', () => {
    const policy = new BusyPoll()
    pause(policy)
    expect(polls(policy, 45), 'a little too long each').to.equal(33)
    expect(pause(policy)).to.equal(16)
    expect(polls(policy, 45, 20)).to.equal(20)
    expect(polls(policy, 10)).to.equal(100)
  })

  it('outlives one answer that is late among others that are not', () => {
    const policy = new BusyPoll()
    pause(policy)
    for (let run = 0; run < 10; run++) {
      expect(policy.next(NOTHING_CAME, SLOW)).to.be.above(0)
      expect(polls(policy, 5, 8)).to.equal(8)
    }
  })

  it('polls no longer than answers take, and up to 100 us', () => {
    const policy = new BusyPoll()
    pause(policy)
    expect(policy.next(90, QUICK)).to.equal(100)
    for (let count = 0; count < 100; count++) policy.next(12, QUICK)
    expect(policy.next(12, QUICK)).to.be.within(48, 52)
    for (let count = 0; count < 100; count++) policy.next(2, QUICK)
    expect(policy.next(2, QUICK)).to.equal(30)
  })

  it('counts no wake-up before which nothing was polled', () => {
    const policy = new BusyPoll()
    pause(policy)
    expect(polls(policy, NOT_POLLED)).to.equal(100)
    expect(polls(policy, NOTHING_CAME)).to.equal(7)
  })

  it('leaves the core to others for longer once they have taken it', () => {
    const policy = new BusyPoll()
    let pauses = 0
    const slept = Array.from({ length: 5 }, () => {
      const slept = pause(policy)
      expect(polls(policy, 10, 20)).to.equal(20)
      expect(policy.next(pauses++ % 2 === 0 ? 3000 : -3000, QUICK)).to.equal(0)
      return slept
    })
    expect(slept).to.deep.equal([8, 64, 512, 4096, 4096])
  })

  it('forgets slowly that it did not pay', () => {
    const policy = new BusyPoll()
    pause(policy)
    policy.next(3000, QUICK)
    expect(pause(policy)).to.equal(64)
    // As much as halves the pause; then it did not pay again.
    for (let count = 0; count < 64; count++) expect(policy.next(10, QUICK)).to.be.above(0)
    polls(policy, NOTHING_CAME)
    expect(pause(policy)).to.equal(64)
  })
})

describe('WORMHOLE_BUSY_POLL=0', () => {
  for (const [value, times] of [
    ['0', 0],
    ['1', 993],
  ] as const) {
    it(`${value}: polls ${times} times of a thousand`, () => {
      const program = `
        const { BusyPoll } = await import(${JSON.stringify(import.meta.resolve('#lib/os/busy-poll'))})
        const policy = new BusyPoll()
        let polls = 0
        for (let count = 0; count < 1000; count++) if (policy.next(1, 0) > 0) polls++
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
