import { kind } from '../messages.mjs'
import { Trips } from './trips.mjs'

/** A request and its reply with the blocking calls. */
export async function measure(driver, job) {
  const what = kind(job.bytes)
  const link = await driver.start(job.argv, 1, job)
  const trip = () => {
    link.sendSync(what.make())
    what.weigh(link.recvSync())
  }
  trip()
  const trips = new Trips(job.seconds)
  let start
  do {
    start = performance.now()
    trip()
  } while (trips.note(start))
  link.close()
  return trips.figures()
}
