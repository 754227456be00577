// The programs that each environment runs. Every one prints ANSWER: a message that came, what forkAndRun resolved to, and
// what a job of a pool did.

export const ANSWER = 'came 42 8\n'

/** The module that a child runs; bundlers do not see it, as its path comes from the environment. */
export const DOUBLE = 'export default (number) => 2 * number\n'

/** The same in TypeScript: what runs the parent must run it in the child too. */
export const DOUBLE_TYPED = 'export default (number: number): number => 2 * number\n'

const USES = `
async function main() {
  const job = process.env.JOB
  const [sender, receiver] = channel()
  sender.send('came')
  const message = await receiver.recv()
  const run = await forkAndRun(job, 21, { execPath: process.env.NODE_PROGRAM })
  const jobs = process.env.NODE_PROGRAM ? undefined : pool(job, { size: 1 })
  console.log(message, run, jobs === undefined ? 8 : await jobs.run(4))
  await jobs?.close()
}
main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
`

export const IMPORTS = `
import { channel } from 'wormhole-ipc'
import { pool } from 'wormhole-ipc/pool'
import { forkAndRun } from 'wormhole-ipc/process'
${USES}`

export const REQUIRES = `
const { channel } = require('wormhole-ipc')
const { pool } = require('wormhole-ipc/pool')
const { forkAndRun } = require('wormhole-ipc/process')
${USES}`

/** In TypeScript: fails to compile if a message has the wrong type. */
export const TYPED = `
import { channel, type Receiver } from 'wormhole-ipc'
import { pool } from 'wormhole-ipc/pool'
import { forkAndRun } from 'wormhole-ipc/process'
async function main(): Promise<void> {
  const job = String(process.env.JOB)
  const [sender, receiver] = channel<{ text: string; at: Date }>()
  void sender.send({ text: 'came', at: new Date(0) })
  const same: Receiver<{ text: string; at: string }> = receiver
  const { text, at } = await same.recv()
  // @ts-expect-error A date arrives as a text.
  if (at.getTime !== undefined) throw new Error('a date')
  const jobs = pool<number, number>(job, { size: 1 })
  console.log(text, await forkAndRun<number>(job, 21), await jobs.run(4))
  await jobs.close()
}
main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
`

/** One state behind both ways: the classes are the same. */
export const BOTH = `
const required = require('wormhole-ipc')
import('wormhole-ipc').then((imported) => {
  if (imported.Sender !== required.Sender || imported.WormholeError !== required.WormholeError) process.exitCode = 1
})
${REQUIRES}`
