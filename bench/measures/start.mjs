import { median } from 'simple-statistics'
import { kind } from '../messages.mjs'
import { stopChildren } from '../peers/shared/children.mjs'
import { stopwatch } from './rate.mjs'

const MAX = 9

/** From the call that starts a child to the reply to a first message, in milliseconds. */
export async function measure(driver, job) {
  const what = kind(job.bytes)
  const times = []
  const whole = stopwatch()
  do {
    const elapsed = stopwatch()
    const link = await driver.start(job.argv, 1, job)
    const reply = new Promise((resolve) => link.receive(resolve))
    await link.send(what.make())
    await reply
    times.push(elapsed() * 1000)
    await link.close()
    await stopChildren()
  } while (whole() < job.seconds && times.length < MAX)
  return { count: times.length, value: median(times) }
}
