import { setTimeout as delay } from 'node:timers/promises'
import { kind } from '../messages.mjs'

/** The heap itself has grown by then: it does so by megabytes. */
const WARM = 1500

/** Resident memory that one idle channel costs this process, after a message over each. What the kernel holds is not in it. */
export async function measure(driver, job) {
  const what = kind(job.bytes)
  const pairs = []
  const open = async (count) => {
    for (let index = 0; index < count; index++) {
      const pair = await driver.pair()
      await pair.send(what.make())
      await pair.recv()
      pairs.push(pair)
    }
  }
  await open(WARM)
  const before = await resident()
  await open(job.count)
  const value = Math.max(0, ((await resident()) - before) / job.count)
  for (const pair of pairs) pair.close()
  return { count: job.count, value }
}

async function resident() {
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc()
    await delay(10)
  }
  return process.memoryUsage.rss()
}
