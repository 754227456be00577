import { now } from '../core/clock.js'
import { NOT_POLLED } from './addon.js'

const wanted = process.env.WORMHOLE_BUSY_POLL !== '0'

/** After how many wake-ups polling is tried, at first and at most. */
const FIRST_PAUSE = 32
const LONGEST_PAUSE = 4096
/** How many times longer the pause becomes when a try did not pay, and when other processes took the core during it. */
const LENGTHENS = 2
const LENGTHENS_MUCH = 8

/** The longest poll in microseconds: the other side may first have to be woken itself. */
const MAX_US = 100
/** How many polls are judged together, and how long each may take: waking a process across cores takes 30 us or more. */
const RUN = 8
const WORTH_US = 30
/** How many runs may take longer at first, as the other side sleeps too; after as many more that pay the pause shrinks. */
const TRIAL_RUNS = 8
const TRIAL_WORTH_US = 90
/** A poll that took this long gave the core to another process that has work to do. */
const TAKEN_US = 1000
/** If two looks of a blocking call are further apart, the other side is on the same core, and runs if this one sleeps. */
const SHARED_US = 4
/** Longer than any run may take. */
const TOO_MUCH_US = RUN * TRIAL_WORTH_US + 1

/**
 * Decides how long the addon polls for the next message before the event loop sleeps. In a fast exchange between two cores
 * a message comes sooner than the kernel can wake its receiver, and waking takes more processor time of both sides than
 * polling. It is tried now and then, and ever less often while it does not pay: in a slow exchange a waiting end sleeps.
 */
export class BusyPoll {
  #pause = FIRST_PAUSE
  /** Wake-ups until the next try. */
  #pauseLeft = FIRST_PAUSE
  /** Microseconds left for this run; negative while polling is off. */
  #budget = -1
  #left = 0
  /** Runs since the trial began. */
  #runs = 0

  /**
   * Counts a wake-up: a message has come, or room for one.
   *
   * @param polled how the last poll ended, see `NOT_POLLED`
   * @returns how many microseconds the next poll may take; 0: do not poll
   */
  next(polled: number): number {
    if (!wanted) return 0
    if (this.#budget < 0) {
      if (--this.#pauseLeft > 0) return 0
      this.#runs = 0
      this.#run()
    } else if (polled !== NOT_POLLED) {
      this.#judge(Math.abs(polled))
    }
    return this.#budget < 0 ? 0 : MAX_US
  }

  #run(): void {
    this.#budget = RUN * (this.#runs < TRIAL_RUNS ? TRIAL_WORTH_US : WORTH_US)
    this.#left = RUN
  }

  #judge(spent: number): void {
    this.#budget -= spent
    this.#left--
    if (this.#budget < 0) {
      const longer = this.#pause * (spent >= TAKEN_US ? LENGTHENS_MUCH : LENGTHENS)
      this.#pause = Math.min(longer, LONGEST_PAUSE)
      this.#pauseLeft = this.#pause
    } else if (this.#left === 0) {
      this.#runs++
      const paid = this.#runs > TRIAL_RUNS && this.#runs % TRIAL_RUNS === 0
      if (paid) this.#pause = Math.max(this.#pause / LENGTHENS, FIRST_PAUSE)
      this.#run()
    }
  }
}

/** Decides how long a call that blocks its thread polls before it sleeps, and polls itself. */
export class BlockingBusyPoll {
  readonly #policy = new BusyPoll()
  #polled = NOT_POLLED

  /** Tells whether a call that would block now should poll first, with {@link until}. */
  due(): boolean {
    const max = this.#policy.next(this.#polled)
    this.#polled = NOT_POLLED
    return max > 0
  }

  /**
   * Calls `ready` repeatedly for a moment; returns whether it returned true in that time.
   *
   * @param deadline when the caller gives up, on the clock of `now()`
   */
  until(ready: () => boolean, deadline: number): boolean {
    // What is here already says nothing about polling.
    if (ready()) return true
    const began = now()
    const end = Math.min(began + MAX_US / 1000, deadline)
    for (let last = began, time = began; time < end; last = time, time = now()) {
      if (!ready()) continue
      const shared = (time - last) * 1000 > SHARED_US
      this.#polled = shared ? TOO_MUCH_US : Math.ceil((time - began) * 1000) + 1
      return true
    }
    this.#polled = -Math.ceil((now() - began) * 1000) - 1
    return false
  }
}
