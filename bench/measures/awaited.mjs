import { sending } from './stream.mjs'

/** Each send waits for what the peer promises before the next is made. */
export async function measure(driver, job) {
  return sending(driver, job, async (link, source) => {
    for (const message of source) await link.send(message)
  })
}
