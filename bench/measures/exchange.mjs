import { deferred } from '../deferred.mjs'
import { kind } from '../messages.mjs'

/** Starts a child that echoes; answers a function that sends a request and waits for its reply, after one such trip. */
export async function openExchange(driver, job) {
  const what = kind(job.bytes)
  const link = await driver.start(job.argv, 1, job)
  let reply
  link.receive((message) => reply.resolve(message))
  const trip = async () => {
    reply = deferred()
    const [message] = await Promise.all([reply.promise, link.send(what.make())])
    what.weigh(message)
  }
  await trip()
  return trip
}
