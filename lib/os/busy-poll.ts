import { now } from '../core/clock.js'
import { NOT_POLLED } from './addon.js'

/** Somebody may have switched it off. */
const wanted = process.env.WORMHOLE_BUSY_POLL !== '0'

/** Wake-ups after which it is tried whether polling pays, at first and at most. */
const FIRST_PAUSE = 32
const LONGEST_PAUSE = 4096
/** How much longer the pause becomes each time that it did not pay, and where others took the core meanwhile. */
const LENGTHENS = 2
const LENGTHENS_MUCH = 8

/** Most microseconds of one poll: the other side may have to be woken itself before it can answer, once. */
const MAX_US = 100
/** Polls that are judged together, and what one may cost: waking a process across cores costs 30 us and more. */
const RUN = 8
const WORTH_US = 30
/**
 * Runs that may cost more at first: as long as the other side sleeps, it has to be woken before it can answer. After so
 * many more that pay, the pause is shorter again.
 */
const TRIAL_RUNS = 8
const TRIAL_WORTH_US = 90
/** A poll that took this long gave the core to somebody who has work to do. */
const TAKEN_US = 1000
/** Between two looks of a call that blocks: then the other side is on the same core, and sleeping lets it run as well. */
const SHARED_US = 4
/** More than any run may cost. */
const TOO_MUCH_US = RUN * TRIAL_WORTH_US + 1

/**
 * Decides for how long the addon looks on for the next message before the event loop sleeps. In a quick exchange over two
 * cores a message comes sooner than the kernel has woken anybody for it, and the waking takes more processor time of
 * both sides than the looking. It is tried now and then, more and more seldom while it does not pay: between exchanges
 * that are not quick, an end that waits sleeps.
 */
export class BusyPoll {
  #pause = FIRST_PAUSE
  /** Wake-ups until the next try. */
  #pauseLeft = FIRST_PAUSE
  /** Microseconds that are left to this run; negative while it is not polled. */
  #budget = -1
  #left = 0
  /** Runs since the trial began. */
  #runs = 0

  /**
   * A message has come, or room for one.
   *
   * @param polled what the addon tells of the poll before, see `NOT_POLLED`
   * @returns the most microseconds of the poll that follows; 0 for none
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

/** The same for the calls that block a thread: they look themselves. */
export class BlockingBusyPoll {
  readonly #policy = new BusyPoll()
  #polled = NOT_POLLED

  /** Somebody would block now. Whether to look for a while first; then {@link until} is to be called. */
  due(): boolean {
    const max = this.#policy.next(this.#polled)
    this.#polled = NOT_POLLED
    return max > 0
  }

  /**
   * Asks again and again for a moment. Whether the answer was yes before that was over.
   *
   * @param deadline when the caller gives up, on the clock of `now()`
   */
  until(ready: () => boolean, deadline: number): boolean {
    // What is there already was not waited for.
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
