import { kind, messages } from '../messages.mjs'
import { packets } from './packets.mjs'
import { firstRound, rateAndCpu, stopwatch } from './rate.mjs'
import { arrivals } from './reports.mjs'

/** Messages to one child or to several that share them; over when every one has arrived. */
export async function measure(driver, job) {
  return sending(driver, job, (link, source) => link.sendAll(source))
}

/** @param {(link: import('../peers/driver.mjs').Link, source: Iterable<unknown>) => Promise<void>} send */
export async function sending(driver, job, send) {
  let sent = {}
  const round = await sendingOnce(driver, job, async (link, source) => {
    const before = link.stats?.().sent
    await send(link, source)
    sent = packets(before, link.stats?.().sent)
  })
  const figures = await rateAndCpu(job.seconds, firstRound(job.bytes), async (count) => {
    const elapsed = stopwatch()
    await round(count)
    return elapsed()
  })
  return { ...figures, ...sent }
}

/**
 * Starts the children; answers a function that sends `count` messages, and resolves when every one has arrived.
 *
 * @param {(link: import('../peers/driver.mjs').Link, source: Iterable<unknown>) => Promise<void>} send
 */
export async function sendingOnce(driver, job, send) {
  const what = kind(job.bytes, job.unicode)
  const weight = what.weigh(what.make())
  const link = await driver.start(job.argv, job.children ?? 1, job)
  const arrived = arrivals(link, job.children)
  await link.send(what.make()) // a round trip, so that all is connected
  await arrived(1, weight)
  return async (count) => {
    await send(link, messages(what, count))
    await arrived(count, count * weight)
  }
}
