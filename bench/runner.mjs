// One measurement, in a process of its own: takes a job, prints its figures as one line of JSON.
import { fileURLToPath } from 'node:url'
import { loadDriver } from './peers/load.mjs'
import { stopChildren } from './peers/shared/children.mjs'
import { pin } from './pin.mjs'

const job = JSON.parse(process.argv[2])
if (job.cores !== undefined) pin(job.cores[0])

process.stdout.write(`${JSON.stringify(await figures())}\n`, () => process.exit())

async function figures() {
  const driver = await load()
  if (driver.measure !== undefined) return driver.measure(job)
  const { measure } = await import(`./measures/${job.measure}.mjs`)
  const argv = [fileURLToPath(new URL('child.mjs', import.meta.url)), JSON.stringify(job)]
  const result = await measure(driver, { ...job, argv })
  await stopChildren()
  return result
}

async function load() {
  return job.limit === undefined ? loadDriver(job.peer) : (await import(`./limits/${job.limit}.mjs`)).default
}
