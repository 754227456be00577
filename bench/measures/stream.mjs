import { kind, messages } from '../messages.mjs'
import { packets } from './packets.mjs'
import { firstRound, rate, stopwatch } from './rate.mjs'
import { arrivals } from './reports.mjs'

/** Messages to one child or to several that share them; over when every one has arrived. */
export async function measure(driver, job) {
  return sending(driver, job, (link, source) => link.sendAll(source))
}

/** @param {(link: import('../peers/driver.mjs').Link, source: Iterable<unknown>) => Promise<void>} send */
export async function sending(driver, job, send) {
  const what = kind(job.bytes, job.unicode)
  const weight = what.weigh(what.make())
  const link = await driver.start(job.argv, job.children ?? 1, job)
  const arrived = arrivals(link, job.children)
  await link.send(what.make()) // a round trip, so that all is connected
  await arrived(1, weight)
  let sent = {}
  const figures = await rate(job.seconds, firstRound(job.bytes), async (count) => {
    const before = link.stats?.().sent
    const elapsed = stopwatch()
    await send(link, messages(what, count))
    sent = packets(before, link.stats?.().sent)
    await arrived(count, count * weight)
    return elapsed()
  })
  return { ...figures, ...sent }
}
