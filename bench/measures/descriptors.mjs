import { once } from 'node:events'
import { createServer } from 'node:net'
import { messages } from '../messages.mjs'
import { socketPath } from '../peers/shared/unix-socket.mjs'
import { rate, stopwatch } from './rate.mjs'
import { arrivals } from './reports.mjs'

const FIRST = 64
const numbered = { make: () => ({ descriptor: true }) }

/** A listening server's descriptor with each message, received and closed. */
export async function measure(driver, job) {
  const server = createServer().listen(socketPath())
  await once(server, 'listening')
  const link = await driver.start(job.argv, 1, job)
  const arrived = arrivals(link)
  const figures = await rate(job.seconds, FIRST, async (count) => {
    const elapsed = stopwatch()
    await link.sendHandles(messages(numbered, count), server)
    await arrived(count, 0)
    return elapsed()
  })
  server.close()
  await link.close()
  return figures
}
