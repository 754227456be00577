import { deferred } from '../deferred.mjs'
import { kind, order } from '../messages.mjs'
import { packets } from './packets.mjs'
import { firstRound, rateAndCpu, stopwatch } from './rate.mjs'

/** Several children send, this process receives. */
export async function measure(driver, job) {
  const { children } = job
  const what = kind(job.bytes, job.unicode)
  const weight = what.weigh(what.make())
  const link = await driver.start(job.argv, children, job)
  let missing = 0
  let weighed = 0
  let all
  link.receive((message) => {
    weighed += what.weigh(message)
    if (--missing === 0) all.resolve()
  })
  let arrived = {}
  const round = async (each) => {
    const before = link.stats?.().received
    missing = each * children
    weighed = 0
    all = deferred()
    const elapsed = stopwatch()
    for (let child = 0; child < children; child++) await link.send(order('send', { count: each }))
    await all.promise
    arrived = packets(before, link.stats?.().received)
    if (weighed !== each * children * weight)
      throw new Error(`weight ${weighed} instead of ${each * children * weight}`)
    return elapsed()
  }
  await round(1)
  const figures = await rateAndCpu(job.seconds, firstRound(job.bytes), round)
  return {
    ...figures,
    ...arrived,
    count: figures.count * children,
    value: figures.value * children,
    cpu: figures.cpu / children,
  }
}
