import { deferred } from '../deferred.mjs'
import { kind } from '../messages.mjs'
import { Trips } from './trips.mjs'

/** A request and its reply, one after the other. */
export async function measure(driver, job) {
  const what = kind(job.bytes)
  const link = await driver.start(job.argv, 1, job)
  let reply
  link.receive((message) => reply.resolve(message))
  const trip = () => {
    reply = deferred()
    return Promise.all([reply.promise, link.send(what.make())])
  }
  await trip()
  const trips = new Trips(job.seconds)
  let start
  do {
    start = performance.now()
    what.weigh((await trip())[0])
  } while (trips.note(start))
  return trips.figures()
}
