import { once } from 'node:events'
import { createServer } from 'node:net'
import { messages } from '../messages.mjs'
import { rateAndCpu, stopwatch } from './rate.mjs'
import { arrivals } from './reports.mjs'

const FIRST = 64
const numbered = { make: () => ({ descriptor: true }) }

/**
 * A listening server's descriptor with each message, received and closed. TCP, as the kernel collects garbage for Unix sockets
 * under way (net/unix/garbage.c), which would be measured instead.
 */
export async function measure(driver, job) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const link = await driver.start(job.argv, 1, job)
  const arrived = arrivals(link)
  const figures = await rateAndCpu(job.seconds, FIRST, async (count) => {
    const elapsed = stopwatch()
    await link.sendHandles(messages(numbered, count), server)
    await arrived(count, 0)
    return elapsed()
  })
  server.close()
  await link.close()
  return figures
}
