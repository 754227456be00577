import { deferred } from '../deferred.mjs'
import { order } from '../messages.mjs'

/**
 * Asks the children for what has arrived, until all `count` messages have, and checks that they are whole. Where children
 * share one queue, some may still be at work when another answers, hence the turns.
 *
 * @param {import('../peers/driver.mjs').Link} link
 */
export function arrivals(link, children = 1) {
  let total = { count: 0, weight: 0 }
  let missing = 0
  let all
  link.receive((report) => {
    total.count += report.count
    total.weight += report.weight
    if (--missing === 0) all.resolve()
  })
  return async (count, weight) => {
    total = { count: 0, weight: 0 }
    while (total.count < count) {
      all = deferred()
      missing = children
      for (let child = 0; child < children; child++) await link.send(order('report'))
      await all.promise
    }
    if (total.count !== count || total.weight !== weight) {
      throw new Error(`${count} messages of weight ${weight} were sent, ${total.count} of ${total.weight} arrived`)
    }
  }
}
