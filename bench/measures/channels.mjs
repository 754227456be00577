import { readFileSync } from 'node:fs'
import { kind } from '../messages.mjs'
import { stopwatch } from './rate.mjs'

const DESCRIPTORS_EACH = 2
const OTHER_DESCRIPTORS = 100

/** Many channels made, a message sent over each, all received: channels a second, in one process. */
export async function measure(driver, job) {
  requireDescriptors(DESCRIPTORS_EACH * job.count + OTHER_DESCRIPTORS)
  const what = kind(job.bytes)
  const weight = what.weigh(what.make())
  const elapsed = stopwatch()
  const pairs = []
  for (let index = 0; index < job.count; index++) pairs.push(await driver.pair())
  for (const pair of pairs) await pair.send(what.make())
  for (const message of await Promise.all(pairs.map((pair) => pair.recv()))) {
    if (what.weigh(message) !== weight) throw new Error('a message has changed')
  }
  const seconds = elapsed()
  for (const pair of pairs) pair.close()
  return { count: job.count, seconds, value: job.count / seconds }
}

function requireDescriptors(needed) {
  const [, limit] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
  if (Number(limit) < needed) throw new Error(`needs ${needed} open files, and the limit is ${limit}`)
}
