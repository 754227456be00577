// The child of the self-test: sends 0 once it is ready, counts what it receives, and sends the count at the end.

import type { Receiver } from '../channel/receiver.js'
import type { Sender } from '../channel/sender.js'
import { inherited } from '../process/inherited.js'
import { CHANNEL, END } from './links.js'

if (process.argv[2] === CHANNEL) {
  const { messages, counts } = inherited<{ messages: Receiver; counts: Sender<number> }>()
  await counts.send(0)
  let count = 0
  for await (const _ of messages) count++
  await counts.send(count)
} else {
  let count = 0
  process.on('message', (message) => {
    if (message === END) process.send?.(count, () => process.disconnect())
    else count++
  })
  process.send?.(0)
}
