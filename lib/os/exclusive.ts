/**
 * How many more times the thread must have slept than the loop turned, from one sample to the next: half as often as it was
 * woken in between (`kSampled`, native/poller.cc).
 */
const MANY_SLEEPS = 32
/** After so many wake-ups of an exclusive watch it is tried again whether others wait as well: they may have ended. */
const TRIED_AGAIN = 4096
/**
 * An exclusive watch ends once nothing has come in one to two times this many milliseconds. A process that is woken and
 * killed before it has read leaves its message to nobody: so long it may lie there.
 */
export const QUIET_MS = 10

/**
 * Decides when a descriptor is watched exclusively. Of several processes that wait for the messages of one channel the
 * kernel wakes all for each packet: one takes it, some find nothing, and most are put back to sleep by epoll before they
 * know. Those that wait exclusively it wakes one at a time, in turn (EPOLLEXCLUSIVE, epoll_ctl(2)).
 */
export class ExclusivePolicy {
  /** The last sample. */
  slept = 0
  #inVain = 0
  #wakeups = 0

  /**
   * Tells whether a sample shows that others wait for the same messages.
   *
   * @param slept how many more times than the loop turned the thread has slept
   * @param inVain how many wake-ups there were after which nothing could be received
   */
  begins(slept: number, inVain: number): boolean {
    const sleeps = slept - this.slept
    const vain = inVain !== this.#inVain
    this.slept = slept
    this.#inVain = inVain
    // Other blocking calls make a thread sleep too, but find nothing less to receive.
    return vain && sleeps >= MANY_SLEEPS
  }

  /** Counts a wake-up while a descriptor is watched exclusively; tells whether that is to end. */
  ends(): boolean {
    this.#wakeups++
    return this.#wakeups % TRIED_AGAIN === 0
  }
}
