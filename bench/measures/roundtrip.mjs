import { openExchange } from './exchange.mjs'
import { Trips } from './trips.mjs'

/** A request and its reply, one after the other, once all is warm. */
export async function measure(driver, job) {
  const trip = await openExchange(driver, job)
  const trips = new Trips(job.seconds)
  let start
  do {
    start = performance.now()
    await trip()
  } while (trips.note(start))
  return trips.figures()
}
