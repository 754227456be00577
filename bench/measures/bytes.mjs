import { deferred } from '../deferred.mjs'
import { Trips } from './trips.mjs'

/** Long Buffers take most of a second each with some peers. */
const MIN_TRIPS = 5

/** A receiver reads a byte of each page, so that every page is there. */
const PAGE_BYTES = 4096

/** A Buffer to the other side, which answers once it has read it: one after the other. */
export async function measure(driver, job) {
  const bytes = Buffer.alloc(job.bytes)
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) bytes[at] = at / PAGE_BYTES
  const weight = weighBytes(bytes)
  const link = await driver.start(job.argv, 1, job)
  let reply
  link.receive((message) => reply.resolve(message))
  const trip = async () => {
    reply = deferred()
    const [answer] = await Promise.all([reply.promise, link.sendBytes(bytes)])
    if (answer.weight !== weight) throw new Error(`a Buffer of weight ${weight} arrived as ${answer.weight}`)
  }
  await trip()
  const trips = new Trips(job.seconds, MIN_TRIPS)
  let start
  do {
    start = performance.now()
    await trip()
  } while (trips.note(start))
  const figures = trips.figures()
  await link.close()
  return figures
}

/** @param {Uint8Array} bytes */
export function weighBytes(bytes) {
  let weight = bytes.length
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) weight += bytes[at]
  return weight
}
