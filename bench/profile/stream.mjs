// The README's message from one process to another, at full speed: what main.mjs profiles. It imports the tree's
// single modules and addon: a profile goes by names, and the package's addon is stripped of them.
import { fileURLToPath } from 'node:url'
import { channel } from '../../dist/index.js'
import { fork, inherited } from '../../dist/process.js'
import { kind, messages } from '../messages.mjs'

const what = kind(45)
const [role, count] = process.argv.slice(2)

if (role === 'receive') {
  /** @type {Record<string, any>} */
  const { received, done } = inherited()
  let weight = 0
  for await (const message of received) weight += what.weigh(message)
  await done.send(weight)
} else {
  const [sender, received] = channel()
  const [done, weighed] = channel()
  const child = fork(fileURLToPath(import.meta.url), ['receive'], { channels: { received, done } })
  console.log(JSON.stringify({ sender: process.pid, receiver: child.pid }))
  await sender.sendAll(messages(what, Number(count)))
  sender.close()
  const weight = await weighed.recv()
  if (weight !== Number(count) * what.weigh(what.make())) throw new Error('messages were lost or have changed')
}
