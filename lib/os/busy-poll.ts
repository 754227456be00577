import { now } from '../core/clock.js'
import { NOT_POLLED } from './addon.js'

const wanted = process.env.WORMHOLE_BUSY_POLL !== '0'

/** After how many quick answers polling is tried, at first and at most: a vain trial costs a millisecond or less. */
const FIRST_PAUSE = 8
const LONGEST_PAUSE = 512
/** At most if trials are blind, as a call that blocks does not know how long it slept, or if others took the core. */
const LONGEST_BLIND_PAUSE = 4096
/** How many times longer the pause becomes when a try did not pay, and when other processes took the core during it. */
const LENGTHENS = 2
const LENGTHENS_MUCH = 8
/** An answer for which this thread slept is quick if it came in this many microseconds, the waking of both sides included. */
const QUICK_US = 150
/** How many quick answers a slow one outweighs: a poll in vain costs more than one that succeeds gains. */
const SLOW_WEIGHS = 4

/** The longest poll in microseconds, and all polls of one turn of the event loop: the other side may first have to be woken. */
export const MAX_US = 100
/** The shortest, and how many times as long as the usual answer takes: past that it will hardly come soon. */
const MIN_US = 30
const TIMES_USUAL = 4
/** One in this many parts of the usual time is the last answer's. */
const SMOOTHING = 8
/** What a poll that succeeds saves: waking a process across cores takes 30 us or more. */
const WORTH_US = 30
/** What a trial may spend beyond that, and what later polls may, once others have saved it: the other side sleeps too at first. */
const CREDIT_US = 480
/** After this many polls in one trial the pause shrinks. */
const PAID_POLLS = 64
/** A poll that took this long gave the core to another process that has work to do. */
const TAKEN_US = 1000
/** If two looks of a blocking call are further apart, the other side is on the same core, and runs if this one sleeps. */
const SHARED_US = 4
/** Longer than any trial may spend. */
const TOO_MUCH_US = CREDIT_US + WORTH_US + 1

/**
 * Decides how long the addon polls for the next message before the event loop sleeps. In a fast exchange between two cores
 * a message comes sooner than the kernel can wake its receiver, and waking takes more processor time of both sides than
 * polling. So it is tried after a few answers that came quickly, and goes on while the polls together take less than the
 * waking would. In a slow exchange nothing is tried: a waiting end sleeps.
 */
export class BusyPoll {
  readonly #longestPause: number
  #pause = FIRST_PAUSE
  /** Quick answers since the last trial. */
  #quick = 0
  /** Microseconds that polls may still take beyond what they save; negative while polling is off. */
  #credit = -1
  /** Polls of this trial. */
  #polls = 0
  /** How long an answer usually takes, in microseconds. */
  #usual = MAX_US

  constructor(longestPause = LONGEST_PAUSE) {
    this.#longestPause = longestPause
  }

  /**
   * Counts a wake-up: a message has come, or room for one.
   *
   * @param polled how the last poll ended, see `NOT_POLLED`
   * @param waited how many microseconds the event loop had before it was woken
   * @returns how many microseconds the next poll may take; 0: do not poll
   */
  next(polled: number, waited: number): number {
    if (!wanted) return 0
    if (this.#credit < 0) {
      this.#quick = waited <= QUICK_US ? this.#quick + 1 : Math.max(this.#quick - SLOW_WEIGHS, 0)
      if (this.#quick >= this.#pause) this.#try()
    } else if (polled !== NOT_POLLED) this.#judge(polled)
    if (this.#credit < 0) return 0
    return Math.min(Math.max(Math.ceil(TIMES_USUAL * this.#usual), MIN_US), MAX_US)
  }

  #try(): void {
    this.#credit = CREDIT_US
    this.#polls = 0
    this.#usual = MAX_US
  }

  #judge(polled: number): void {
    const spent = Math.abs(polled)
    if (polled > 0) this.#usual += (spent - this.#usual) / SMOOTHING
    this.#credit = Math.min(this.#credit + WORTH_US - spent, CREDIT_US)
    this.#polls++
    if (this.#credit < 0) this.#giveUp(spent >= TAKEN_US)
    else if (this.#polls % PAID_POLLS === 0) this.#pause = Math.max(this.#pause / LENGTHENS, FIRST_PAUSE)
  }

  #giveUp(taken: boolean): void {
    this.#quick = 0
    const longer = this.#pause * (taken ? LENGTHENS_MUCH : LENGTHENS)
    this.#pause = Math.min(longer, taken ? LONGEST_BLIND_PAUSE : Math.max(this.#pause, this.#longestPause))
  }
}

/** Decides how long a call that blocks its thread polls before it sleeps, and polls itself. */
export class BlockingBusyPoll {
  readonly #policy = new BusyPoll(LONGEST_BLIND_PAUSE)
  #polled = NOT_POLLED

  /** Tells whether a call that would block now should poll first, with {@link until}. */
  due(): boolean {
    const max = this.#policy.next(this.#polled, 0)
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
