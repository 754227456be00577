import { kind } from '../messages.mjs'
import { Trips } from './trips.mjs'

/** A request and its reply, one after the other. */
export async function measure(driver, job) {
  const what = kind(job.bytes)
  const link = await driver.start(job.argv, 1, job)
  let replied = () => {}
  link.receive((reply) => replied(reply))
  const trip = () => {
    const reply = new Promise((resolve) => {
      replied = resolve
    })
    return Promise.all([reply, link.send(what.make())])
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
