import { cpuSeconds } from './cpu.mjs'
import { stopwatch } from './rate.mjs'
import { sendingOnce } from './stream.mjs'

/** Each send awaited, of a process that has sent nothing before. */
export async function measure(driver, { count, ...job }) {
  const round = await sendingOnce(driver, job, async (link, source) => {
    for (const message of source) await link.send(message)
  })
  const before = cpuSeconds()
  const elapsed = stopwatch()
  await round(count)
  return { count, value: count / elapsed(), cpu: ((cpuSeconds() - before) / count) * 1e6 }
}
